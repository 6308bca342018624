# What belongs to the machine: its peak, its name, and the memory of a process on it.
# SPDX-License-Identifier: Apache-2.0
import ctypes
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np


def time_ms(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) * 1e-6


def fastest_ms(run: Callable[[], object]) -> float:
    """Of 20 runs."""
    return min(time_ms(run) for _ in range(20))


class PeakProbe:
    """How many floating-point operations the pinned cores do at most, right now."""

    def __init__(self, library: Path, isa: str, threads: int):
        self._function = ctypes.CDLL(str(library)).pf_probe_gflops
        self._function.restype = ctypes.c_double
        self._function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        self._isa, self._threads = isa.encode(), threads

    def gflops(self) -> float:
        """Of all threads together."""
        gflops = self._function(self._isa, self._threads)
        if gflops <= 0:
            raise SystemExit(f"error: the probe cannot run {self._isa.decode()} on this CPU")
        return gflops


class RoundTrip:
    """How long a cache line takes between two of the pinned cores, there and back."""

    def __init__(self, library: Path):
        self._function = ctypes.CDLL(str(library)).pf_probe_round_trip_ns
        self._function.restype = ctypes.c_double

    def nanoseconds(self) -> float:
        return self._function()


class FmaLoop:
    """Multiply-adds in registers for a given time: what the machine itself does to a run."""

    def __init__(self, library: Path, isa: str):
        self._function = ctypes.CDLL(str(library)).pf_probe_loop
        self._function.restype = ctypes.c_double
        self._function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        self._isa, self._iterations = isa.encode(), 100_000

    def run(self) -> None:
        self._function(self._isa, self._iterations)

    def calibrate(self, milliseconds: float) -> None:
        """Makes a run as long as that."""
        best = fastest_ms(self.run)
        self._iterations = max(1, round(self._iterations * milliseconds / best))


class MemoryLoop:
    """Reads memory beyond the caches for a given time: what neighbours do to all that is shared."""

    _BYTES = 64 << 20

    def __init__(self):
        self._data = np.ones(self._BYTES // 4, np.float32)
        self._passes = 1

    def run(self) -> None:
        for _ in range(self._passes):
            self._data.max()

    def calibrate(self, milliseconds: float) -> None:
        """Makes a run about as long as that."""
        self._passes = 1
        self._passes = max(1, round(milliseconds / fastest_ms(self.run)))


def describe_machine(cores: list[int]) -> dict:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": found[1] if found else platform.processor(),
        "cores": os.cpu_count(),
        "pinned_to": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "forced_isa": os.environ.get("PF_ISA"),
        "load_average_at_start": os.getloadavg()[0],
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def peak_resident_mb(cli: Path, model_folder: Path) -> float:
    """The most memory that `poolformer bench` had resident: a process of this engine alone.

    Read from /proc while it runs: the maximum that wait4 reports would include the pages of this
    much larger process, from which the child was forked.
    """
    command = [cli, "bench", model_folder, "--threads", "1", "--seconds", "1", "--json", "-"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak_kb = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if found := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
            peak_kb = max(peak_kb, int(found[1]))
        time.sleep(0.01)
    if process.returncode != 0 or peak_kb == 0:
        raise SystemExit(f"error: {cli} bench {model_folder} did not run")
    return peak_kb * 1024 / 1e6

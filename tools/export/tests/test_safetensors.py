# The strict reader of safetensors files.
# SPDX-License-Identifier: Apache-2.0
import json
import struct

import numpy as np
from poolformer_export.safetensors_file import read_safetensors, safetensors_bytes
from support import ExportTest


def entry(begin: int, end: int, **fields) -> dict:
    return {"dtype": "F32", "shape": [2], "data_offsets": [begin, end], **fields}


class SafetensorsTest(ExportTest):
    def write(self, header: object, data_bytes: int = 16):
        """`header` as it is if it is bytes, else as JSON."""
        path = self.folder / "some.safetensors"
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data_bytes))
        return path

    def assert_file_refused(self, reason: str, header: object):
        path = self.write(header)
        self.assert_refused(f"{path}: {reason}", read_safetensors, path)

    def test_what_is_written_is_read(self):
        path = self.folder / "some.safetensors"
        tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(2.5)}
        path.write_bytes(safetensors_bytes(tensors, {"format": "pt"}))
        found, metadata = read_safetensors(path)
        self.assertEqual(metadata, {"format": "pt"})
        for name, array in tensors.items():
            np.testing.assert_array_equal(found[name], array)

    def test_order_and_space_are_free(self):
        found, _ = read_safetensors(self.write({"z": entry(0, 8), "a": entry(8, 16)}))
        self.assertEqual(list(found), ["z", "a"])
        text = b" " + json.dumps({"a": entry(0, 16, shape=[2, 2])}).encode() + b"\n"
        self.assertEqual(read_safetensors(self.write(text))[0]["a"].shape, (2, 2))

    def test_bf16_is_widened(self):
        path = self.write({"a": entry(0, 4, dtype="BF16")}, 0)
        path.write_bytes(path.read_bytes() + struct.pack("<2H", 0x3F80, 0xC020))
        np.testing.assert_array_equal(read_safetensors(path)[0]["a"], [1.0, -2.5])

    def test_a_header_is_one_json_object(self):
        one = json.dumps(entry(0, 8)).encode()
        for header, reason in (
            (b'{"a": %b, "a": %b}' % (one, one), 'found "a" twice'),
            (b'{"a": {"dtype": "F32", "dtype": "F32"}}', 'found "dtype" twice'),
            (b'{"__metadata__": {"k": "1", "k": "2"}}', 'found "k" twice'),
            (b'{"a": NaN}', "found NaN"),
            (b'{"\xff": 1}', "'utf-8' codec can't decode"),
            ("{}".encode("utf-16"), "'utf-8' codec can't decode"),
            (b"\xef\xbb\xbf{}", "BOM"),
            (b"{} {}", "Extra data"),
            (b"[" * 100000, "it nests too deep"),
        ):
            with self.subTest(reason):
                path = self.write(header)
                self.assert_refused(f"{path}: the header is not JSON", read_safetensors, path)
                self.assert_refused(reason, read_safetensors, path)
        self.assert_file_refused("the header is [1], expected a JSON object", [1])

    def test_metadata_are_strings(self):
        for metadata in ([], "x", None, {str(i): "" for i in range(1025)}):
            self.assert_file_refused('"__metadata__" is ', {"__metadata__": metadata})
        for value in (1, None, {}, "x" * ((1 << 20) + 1)):
            self.assert_file_refused('"__metadata__" has "k"', {"__metadata__": {"k": value}})

    def test_an_entry_is_dtype_shape_and_offsets(self):
        for fields, reason in (
            ({"dtype": "F8_E4M3"}, "has dtype 'F8_E4M3', expected F32"),
            ({"dtype": ["F32"]}, "has dtype ['F32'], expected F32"),
            ({"shape": 2}, "has shape 2, expected at most 8 sizes"),
            ({"shape": [2.0]}, "has shape [2.0], expected"),
            ({"shape": [True, 2]}, "has shape [True, 2], expected"),
            ({"shape": [-1, -2]}, "has shape [-1, -2], expected"),
            ({"shape": [0]}, "has shape [0], expected"),
            ({"shape": [1] * 9}, "has shape [1, 1, 1, 1, 1, 1, ...], expected at most 8"),
            ({"shape": [2**62, 2**62]}, "has 8 bytes, expected 85070591730234615865843651857"),
            ({"shape": [3]}, "has 8 bytes, expected 12 for shape [3] of F32"),
            ({"data_offsets": [-8, 0]}, "has data_offsets [-8, 0], expected begin and end"),
            ({"data_offsets": [8, 0]}, "has data_offsets [8, 0], expected begin and end"),
            ({"data_offsets": [0, 8, 8]}, "has data_offsets [0, 8, 8], expected"),
            ({"extra": 1}, "is {'data_offsets': "),
        ):
            with self.subTest(reason):
                self.assert_file_refused(f'parameter "a" {reason}', {"a": entry(0, 8, **fields)})
        self.assert_file_refused('parameter "a" is 7, expected dtype', {"a": 7})
        name = "n" * 513
        self.assert_file_refused(f'parameter "{name[1:]}" has a name of more', {name: entry(0, 8)})

    def test_tensors_cover_the_data_once(self):
        for a, b, reason in (
            ((0, 8), (0, 8), 'parameter "b" begins at byte 0 of the data, expected 8, where'),
            ((0, 8), (4, 12), 'parameter "b" begins at byte 4 of the data, expected 8, where'),
            ((8, 16), (4, 12), 'parameter "b" begins at byte 4 of the data, expected 0, where'),
            ((0, 8), (12, 20), 'parameter "b" begins at byte 12 of the data, expected 8, where'),
            ((0, 8), (8, 24), 'parameter "b" ends at byte 24 of the data, expected at most 16'),
        ):
            with self.subTest(reason):
                shape = [(b[1] - b[0]) // 4]
                header = {"a": entry(*a), "b": entry(*b, shape=shape)}
                self.assert_file_refused(reason, header)
        self.assert_file_refused("found 8 bytes behind the last parameter", {"a": entry(0, 8)})
        self.assert_file_refused("found 16 bytes behind the last parameter", {})

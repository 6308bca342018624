# The command line: export and record.
# SPDX-License-Identifier: Apache-2.0
import argparse
import sys
from dataclasses import replace
from pathlib import Path

from poolformer_export.errors import ExportError
from poolformer_export.source import PUBLISHED, Source
from poolformer_export.write import count_imprecise_in_f16, refuse_existing, write_model

EXPORT_EXAMPLES = """examples:
  python -m poolformer_export export --timm poolformer_s12.sail_in1k models/poolformer_s12
  python -m poolformer_export export --timm path/to/timm_folder models/mine
  python -m poolformer_export export --transformers sail/poolformer_m36 models/poolformer_m36
  python -m poolformer_export export --sail-sg poolformer_s24.pth.tar models/poolformer_s24
  python -m poolformer_export export --from checkpoint.safetensors --dtype f16 models/mine
  python -m poolformer_export export --random 1 --size s12 /tmp/s12

exit codes: 0 done, 1 refused (the message says why), 2 wrong usage
"""
RECORD_EXAMPLES = """examples:
  python -m poolformer_export record --random 1 --size s12 s12.safetensors
  python -m poolformer_export record --timm path/to/timm_folder --image cat.png cat.safetensors

writes: input, logits.f32, logits.f64, taps.f32.s0.b0 ... (and taps.f64...), one per block
"""


def _add_source(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--timm",
        metavar="NAME|FOLDER",
        help="a folder with config.json and model.safetensors, else a name for timm.create_model",
    )
    source.add_argument(
        "--transformers",
        metavar="NAME|FOLDER",
        help="a folder that also holds preprocessor_config.json, else a name for from_pretrained",
    )
    source.add_argument(
        "--sail-sg", metavar="FILE", type=Path, help="a .pth.tar of the paper's authors"
    )
    source.add_argument(
        "--from",
        dest="checkpoint",
        metavar="FILE",
        type=Path,
        help="a .safetensors checkpoint of tools/train",
    )
    source.add_argument(
        "--random", metavar="SEED", type=int, help="hash weights; needs no network and no torch"
    )
    parser.add_argument("--size", choices=PUBLISHED, help="for --random (default s12)")
    parser.add_argument(
        "--head",
        choices=("norm_pool", "pool_norm"),
        help="for --random: the paper's head (default) or timm's",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="poolformer_export",
        description="Turns PyTorch PoolFormers into model folders for poolformer.cpp.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    as_written = argparse.RawDescriptionHelpFormatter
    export = commands.add_parser(
        "export",
        help="write a model folder",
        description="Writes OUT/model.json and OUT/model.safetensors.",
        epilog=EXPORT_EXAMPLES,
        formatter_class=as_written,
    )
    _add_source(export)
    export.add_argument(
        "--dtype", choices=("f32", "f16"), default="f32", help="how weights are stored"
    )
    export.add_argument("--name", help="the model's name, shown to users")
    export.add_argument("out", metavar="OUT", type=Path, help="the folder to create")

    record = commands.add_parser(
        "record",
        help="store what PyTorch computes",
        description="Runs the PyTorch model in float32 and float64 and stores all block outputs.",
        epilog=RECORD_EXAMPLES,
        formatter_class=as_written,
    )
    _add_source(record)
    inputs = record.add_mutually_exclusive_group()
    inputs.add_argument("--image", metavar="FILE", type=Path, help="a photo, preprocessed with PIL")
    inputs.add_argument("--seed", type=int, default=0, help="of the hash input (default 0)")
    record.add_argument("out", metavar="OUT", type=Path, help="the .safetensors file to create")
    return parser


def read_source(arguments: argparse.Namespace) -> Source:
    """The source that the options name. Readers are imported only when asked for."""
    if arguments.timm is not None:
        from poolformer_export.timm_source import read_timm

        return read_timm(arguments.timm)
    if arguments.transformers is not None:
        from poolformer_export.transformers_source import read_transformers

        return read_transformers(arguments.transformers)
    if arguments.sail_sg is not None:
        from poolformer_export.sail_source import read_sail_sg

        return read_sail_sg(arguments.sail_sg)
    if arguments.checkpoint is not None:
        from poolformer_export.sail_source import read_training_checkpoint

        return read_training_checkpoint(arguments.checkpoint)
    from poolformer_export.random_source import random_source

    return random_source(
        arguments.size or "s12", arguments.random, arguments.head or "norm_pool"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _export(arguments: argparse.Namespace) -> None:
    _say("reading the weights ...")
    source = read_source(arguments)
    if arguments.name is not None:
        source = replace(source, name=arguments.name)
    parameters = sum(array.size for array in source.tensors.values())
    _say(f"writing {parameters:,} parameters as {arguments.dtype} ...")
    if arguments.dtype == "f16":
        imprecise = count_imprecise_in_f16(source)
        if imprecise:
            _say(f"note: {imprecise:,} parameters are below f16's normal range and lose digits")
    write_model(source, arguments.out, arguments.dtype, arguments.force)
    pool, activation = source.architecture.pool_size, source.architecture.activation
    if pool != 3 or activation != "gelu":
        _say(
            f"note: a pool of size {pool} with {activation} runs in the float64 interpreter of the "
            "engine's tests only; the command line, the C interface and Python do not run it yet"
        )
    print(f"wrote {arguments.out}")


def _record(arguments: argparse.Namespace) -> None:
    from poolformer_export.bounds import check
    from poolformer_export.describe import describe
    from poolformer_export.hash_weights import hash_input
    from poolformer_export.preprocess import load_image
    from poolformer_export.record import record, write_record

    _say("reading the weights ...")
    source = read_source(arguments)
    check(describe(source))
    settings = source.preprocessing
    if arguments.image:
        image = load_image(arguments.image, settings)
    else:
        image = hash_input(arguments.seed, settings.size, settings.size)
    _say(f"running {source.name} in float32 and float64 ...")
    write_record(record(source, image), arguments.out, arguments.force)
    print(f"wrote {arguments.out}")


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.random is None and (arguments.size or arguments.head):
        parser.error("--size and --head are for --random; another source says itself what it is")
    try:
        refuse_existing(arguments.out, arguments.force)  # sooner than after a download or a run
        (_export if arguments.command == "export" else _record)(arguments)
    except ExportError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        return 130
    except ImportError as error:
        _say(f"error: {error.name or error} is not installed; tools/python_env.sh sets it up")
        return 1
    return 0

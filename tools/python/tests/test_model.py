# Models: what they say of themselves, files, photos, and errors.
# SPDX-License-Identifier: Apache-2.0
import ast
import inspect
import json
import logging
import os
import pickle
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import poolformer
from poolformer import _native as native
from support import FOLDER, HEADER, ROOT, ModelTest, random_photo


class LoadTest(ModelTest):
    def test_the_info_is_that_of_the_files(self):
        description = json.loads((FOLDER / "model.json").read_text())
        info = self.model.info
        self.assertEqual(info.name, description["name"])
        self.assertEqual(info.labels, tuple(description["labels"]))
        self.assertEqual(info.num_classes, 10)
        self.assertEqual(info.input_size, (32, 32))
        self.assertEqual(info.num_features, description["stages"][-1]["channels"])
        self.assertEqual(info.num_stages, len(description["stages"]))
        self.assertIn(info.isa, ("sse4_1", "avx2", "avx512"))
        # Some norms and layer scales are folded into the linears beside them.
        self.assertGreater(info.weight_bytes, 0.99 * 4 * info.num_parameters)
        self.assertIn(info.name, repr(self.model))

    def test_an_instruction_set_can_be_chosen(self):
        self.assertEqual(poolformer.load(str(FOLDER), isa="sse4_1").info.isa, "sse4_1")
        self.assert_refused(ValueError, '"mmx"', poolformer.load, FOLDER, isa="mmx")
        self.assert_refused(TypeError, "isa is 3, expected a name", poolformer.load, FOLDER, isa=3)

    def test_a_compiled_file_is_the_same_model(self):
        photo = random_photo()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "compiled"
            self.model.save_compiled(file)
            for copy_weights in (False, True):
                compiled = poolformer.load(file, copy_weights=copy_weights)
                self.assertEqual(compiled.classify(photo), self.model.classify(photo))

    def test_a_missing_folder_is_an_error_with_a_status(self):
        error = self.assert_refused(poolformer.Error, "absent", poolformer.load, "absent")
        self.assertIs(error.status, poolformer.Status.FILE_ERROR)
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(copy), copy.status), (str(error), error.status))
        self.assert_refused(poolformer.Error, "\ufffd", poolformer.load, b"\xff")
        self.assert_refused(ValueError, "null byte", poolformer.load, "a\0b")

    def test_what_is_no_timm_model_is_refused(self):
        self.assert_refused(TypeError, "of type object", poolformer.from_timm, object())


class LogTest(ModelTest):
    def setUp(self):
        self.lines = []

    def log(self, level, message):
        self.lines.append((level, message))

    def test_loading_and_sessions_say_what_they_do(self):
        model = poolformer.load(FOLDER, log=self.log)
        poolformer.Session(model, log=self.log)
        self.assertEqual([level for level, _ in self.lines], [logging.INFO] * 2)
        self.assertIn(model.info.name, self.lines[0][1])
        files = (FOLDER / "model.json", FOLDER / "model.safetensors")
        native.load_memory(*(file.read_bytes() for file in files), None, self.log)
        self.assertIn(model.info.name.encode(), self.lines[2][1])

    def test_a_warning_reaches_a_logger(self):
        threads = len(os.sched_getaffinity(0)) + 1
        with self.assertLogs("mine", logging.WARNING) as caught:
            log = logging.getLogger("mine").log
            poolformer.Session(self.model, threads=threads, log=log)
        self.assertIn(f"{threads} threads", caught.output[0])

    def test_what_a_log_function_raises_is_reported(self):
        def fail(level, message):
            raise RuntimeError("full disk")

        reports = []
        self.addCleanup(setattr, sys, "unraisablehook", sys.unraisablehook)
        sys.unraisablehook = lambda report: reports.append(str(report.exc_value))
        session = poolformer.Session(poolformer.load(FOLDER, log=fail), log=fail)
        self.assertEqual(reports, ["full disk"] * 2)
        self.assertEqual(session.info.num_threads, 1)

    def test_what_cannot_be_called_is_refused(self):
        for create in (
            lambda log: poolformer.load(FOLDER, log=log),
            lambda log: poolformer.Session(self.model, log=log),
        ):
            self.assert_refused(TypeError, "log is of type Logger", create, logging.getLogger("mine"))


class PhotoTest(ModelTest):
    def test_a_photo_of_the_right_size_is_only_normalised(self):
        photo = random_photo()
        settings = json.loads((FOLDER / "model.json").read_text())["input"]
        expected = (photo / 255 - settings["mean"]) / settings["std"]
        found = self.model.preprocess(photo)
        self.assertEqual((found.dtype, found.shape), (np.float32, (3, 32, 32)))
        np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1e-6)

    def test_a_crop_of_a_larger_photo_is_read_in_place(self):
        crop = random_photo(90, 80)[20:70, 10:60]
        expected = self.model.preprocess(crop.copy())
        self.assert_same_bits(self.model.preprocess(crop), expected)
        row = crop[:1]
        self.assert_same_bits(self.model.preprocess(row), self.model.preprocess(row.copy()))

    def test_what_is_no_photo_is_refused(self):
        photo = random_photo()
        for kind, words, wrong in (
            (TypeError, "rgb has dtype float32, expected uint8", photo.astype(np.float32)),
            (TypeError, "rgb is of type list, expected a numpy array or what has", photo.tolist()),
            (ValueError, "rgb has shape (3072,), expected (height, width, 3)", photo.tobytes()),
            (ValueError, "rgb has shape (32, 32), expected (height, width, 3)", photo[:, :, 0]),
            (ValueError, "expected rows of dense pixels", photo[:, ::-1]),
            (ValueError, "expected rows of dense pixels", photo[::-1]),
            (ValueError, "expected rows of dense pixels", photo.transpose(1, 0, 2)),
            (ValueError, "", photo[:0]),
        ):
            with self.subTest(words):
                self.assert_refused(kind, words, self.model.preprocess, wrong)

    def test_classes_come_best_first(self):
        photo = random_photo()
        logits = poolformer.Session(self.model).run(self.model.preprocess(photo))
        softmax = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        expected = sorted(zip(softmax, self.model.info.labels, strict=True), reverse=True)
        found = self.model.classify(photo, top=99)
        self.assertEqual([label for label, _ in found], [label for _, label in expected])
        np.testing.assert_allclose([p for _, p in found], [p for p, _ in expected], rtol=1e-5)
        self.assertEqual(self.model.classify([photo, photo], top=2), [found[:2]] * 2)
        self.assertEqual(self.model.classify([]), [])
        self.assert_refused(ValueError, "top is 0", self.model.classify, photo, top=0)

    def test_threads_may_classify_with_one_model(self):
        photos = [random_photo(32, 32 + i) for i in range(16)]
        expected = self.model.classify(photos)
        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(self.model.classify, photos)), expected)

    def test_a_photo_of_pil_is_classified(self):
        try:
            from PIL import Image
        except ImportError:
            print("\nnote PIL images: not checked; Pillow is not there")
            self.skipTest("PIL is not there")
        with Image.open(ROOT / "models" / "photos" / "chelsea.png") as image:
            self.assertEqual(self.model.classify(image)[0][0], "cat")
            gray = self.model.preprocess(image.convert("L"))
        self.assertEqual(gray.shape, (3, 32, 32))


class InterfaceTest(ModelTest):
    def test_licences_come_along(self):
        folder = Path(poolformer.__file__).parent
        self.assertEqual((folder / "LICENSE").read_bytes(), (ROOT / "LICENSE").read_bytes())
        for package, words in (
            ("libxsimd-dev", "Redistribution and use"),
            ("nlohmann-json3-dev", "Permission is hereby granted"),
            ("pybind11-dev", "Wenzel Jakob"),
        ):
            self.assertIn(words, (folder / "notices" / package).read_text(), package)

    def test_status_and_formats_are_those_of_the_header(self):
        header = HEADER.read_text()
        (statuses,) = re.findall(r"enum pf_status \{(.*?)\} pf_status", header, re.DOTALL)
        expected = {name: int(value) for name, value in re.findall(r"PF_(\w+) = (\d+)", statuses)}
        self.assertEqual({status.name: status.value for status in poolformer.Status}, expected)
        formats = {int(value): name for name, value in re.findall(r"PF_INPUT_(\w+) = (\d)", header)}
        expected = tuple(formats[value].lower() for value in range(len(formats)))
        self.assertEqual(poolformer.session._FORMATS, expected)
        levels = {int(value): name for name, value in re.findall(r"PF_LOG_(\w+) = (\d)", header)}
        expected = tuple(getattr(logging, levels[value]) for value in range(len(levels)))
        self.assertEqual(poolformer.arguments._LOG_LEVELS, expected)

    def test_the_stub_of_the_extension_has_its_names_and_parameters(self):
        """Which pybind11 writes into the first line of each docstring."""
        stub = Path(native.__file__).with_name("_native.pyi").read_text()
        declared = {}
        for thing in ast.parse(stub).body:
            is_class = isinstance(thing, ast.ClassDef)
            for item in thing.body if is_class else [thing]:
                if isinstance(item, ast.FunctionDef):
                    owner = f"{thing.name}." if is_class else ""
                    arguments = [argument.arg for argument in item.args.args]
                    is_none = isinstance(item.returns, ast.Constant)
                    declared[owner + item.name] = (arguments, is_none)
        defined = {}
        for owner, scope in [("", native), *inspect.getmembers(native, inspect.isclass)]:
            for name, function in vars(scope).items():
                signature = re.match(rf"{name}\(.*", getattr(function, "__doc__", None) or "")
                if signature:
                    line = signature[0].rstrip()
                    arguments = re.findall(r"[(,] ?(\w+): ", line)
                    key = f"{owner}.{name}".lstrip(".")
                    defined[key] = (arguments, line.endswith("-> None"))
        self.assertEqual(declared, defined)

    def test_everything_public_is_documented(self):
        for name in poolformer.__all__:
            thing = getattr(poolformer, name)
            self.assertTrue(inspect.getdoc(thing), name)
            members = vars(thing).items() if inspect.isclass(thing) else ()
            for member, value in members:
                if inspect.isfunction(value) and not member.startswith("_"):
                    self.assertTrue(inspect.getdoc(value), f"{name}.{member}")

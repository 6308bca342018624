# From a photo to the input tensor, as the image processor of transformers does it; needs torch.
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
from PIL import Image
from poolformer_export import torch_models
from poolformer_export.preprocess import load_image, preprocess
from poolformer_export.source import Preprocessing
from poolformer_export.transformers_source import from_transformers_model
from support import ExportTest

PHOTO = Path(__file__).resolve().parents[3] / "models" / "photos" / "chelsea.png"


class PreprocessTest(ExportTest):
    def test_the_crop_of_timm_and_of_transformers_differ_by_one_pixel(self):
        ramp = np.tile(np.arange(235, dtype=np.uint8)[:, None, None], (1, 235, 3))
        for rounding, first in (("half_even", 6), ("floor", 5)):
            settings = Preprocessing(224, 235, rounding, (0.0,) * 3, (1.0,) * 3)
            output = preprocess(Image.fromarray(ramp), settings)
            self.assertEqual(round(float(output[0, 0, 0]) * 255), first)

    def test_what_transformers_does_with_a_photo(self):
        """For every way to write a size, and with and without crop_pct."""
        transformers = torch_models.import_transformers()
        module = transformers.models.poolformer.image_processing_pil_poolformer
        config = transformers.PoolFormerConfig(depths=[1] * 4, hidden_sizes=[8] * 4)
        model = transformers.PoolFormerForImageClassification(config)
        with Image.open(PHOTO) as photo:
            for fields in (
                {},
                {"crop_pct": 0.95},
                {"crop_pct": None},
                {"crop_pct": None, "size": 240},
                {"size": {"height": 240, "width": 240}},
                {"size": {"shortest_edge": 200}, "crop_size": {"height": 160, "width": 160}},
                {"crop_pct": None, "size": {"shortest_edge": 241}, "crop_size": 200},
            ):
                with self.subTest(fields):
                    processor = module.PoolFormerImageProcessorPil(**fields)
                    source = from_transformers_model(model, processor.to_dict(), "live")
                    found = load_image(PHOTO, source.preprocessing)
                    expected = processor(photo, return_tensors="np")["pixel_values"][0]
                    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

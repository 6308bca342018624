# Turns PyTorch PoolFormers into the model folders that poolformer.cpp runs.
# SPDX-License-Identifier: Apache-2.0

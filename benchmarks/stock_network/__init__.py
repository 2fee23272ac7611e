# SPDX-License-Identifier: BSD-3-Clause
"""Neurons as a user of Lava would write them, for comparison in `lava_runtime.py`."""

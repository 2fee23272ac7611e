# SPDX-License-Identifier: BSD-3-Clause
"""The rate of all sound here, and the frame that levels are measured in."""

SAMPLE_RATE = 16_000
"""Samples per second of everything behind the front end."""

FRAME = SAMPLE_RATE // 50
"""Samples of one level frame: 20 ms."""

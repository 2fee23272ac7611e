# SPDX-License-Identifier: BSD-3-Clause
"""Network files as Lava Processes, used as lava-dl's netx is, without torch."""

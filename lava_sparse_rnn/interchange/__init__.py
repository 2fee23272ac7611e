# SPDX-License-Identifier: BSD-3-Clause
"""Networks in the formats of other people's tools, a folder for each.

Each folder asks for its own packages when it is imported.
"""

# SPDX-License-Identifier: BSD-3-Clause
"""Sound that is denoised while it comes: the session, and what it reads and writes."""

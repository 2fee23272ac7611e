# SPDX-License-Identifier: BSD-3-Clause
"""How good a denoised recording is: SI-SNR, DNSMOS, scores over a set."""

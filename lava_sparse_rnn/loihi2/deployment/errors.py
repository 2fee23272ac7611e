# SPDX-License-Identifier: BSD-3-Clause
"""Errors of bundles and of what runs them."""

from lava_sparse_rnn.loihi2.errors import Loihi2Error


class BundleError(Loihi2Error):
    """A bundle is damaged, or of a kind that is not known; the text names the file."""


class DeploymentError(Loihi2Error):
    """A backend is missing, cannot be loaded, or was used in the wrong order."""

# SPDX-License-Identifier: BSD-3-Clause
"""One thread after another, where Lava knows no threads."""

from __future__ import annotations

import os
import threading

# Held while a network starts or ends, and while Processes are made: Lava's lists of all
# Processes know no threads, and a child that Lava forks meanwhile would hold the pipes
# open of which the end is waited for.
LOCK = threading.RLock()
os.register_at_fork(after_in_child=LOCK._at_fork_reinit)  # type: ignore[attr-defined]

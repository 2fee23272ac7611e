# SPDX-License-Identifier: BSD-3-Clause
"""What Lava's own runtime lacks: needed only for ``runtime="processes"``.

An operating-system process per Lava Process hangs where one dies, outlives its parent
and leaves shared memory; all that is contained here. Networks that run in this process
(`lava_sparse_rnn.inline`) need none of it.

It reaches into these privates of Lava: `Runtime._messaging_infrastructure`,
`_executable`, `_is_running`, `_is_started`, `_watchdog_manager`, `_open_ports`; an
actor's `_is_done` and `_parent_pid`; a shared memory manager's `_manager`.
"""

# SPDX-License-Identifier: BSD-3-Clause
"""What Lava's own runtime lacks: faults of it that are contained here.

It reaches into these privates of Lava: `Runtime._messaging_infrastructure`,
`_executable`, `_is_started`, `_watchdog_manager`, `_open_ports`; an actor's
`_is_done` and `_parent_pid`; a ProcGroup's `_members`; a Process's `_is_compiled`.
"""

# SPDX-License-Identifier: BSD-3-Clause
"""The life of a network: started, run, reset and ended, in either runtime.

It reaches into these privates of Lava: `Runtime._executable`, `_is_running` and
`_is_started`; a Collection's `_members`; a Process's `_is_compiled`; the `_next_id` of
the servers that number Processes and Vars.
"""

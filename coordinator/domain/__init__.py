"""What the coordinator decides: functions from what is known to what shall be.

Nothing here waits, reads a clock, draws a number, logs, or touches anything outside its
arguments. The same arguments give the same answer on every coordinator.
"""

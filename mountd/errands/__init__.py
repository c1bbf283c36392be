"""What touches a share: one operation in a process of its own, which may hang and be given up.

An errand gets one JSON order on standard input and prints one JSON result. It imports the standard
library only, because one is started for every probe.
"""

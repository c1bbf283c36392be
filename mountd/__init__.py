"""Keeps a node's shared volumes mounted, in a small root process of its own.

    orders (unix socket) → tracks → plan (pure) → errands → outcomes → tracks → report
                             ▲                       │
           /proc/self/mountinfo, a process's end     ▼ one operation, one process, one deadline

A dead file server may hold whoever touches its share for ever. So nothing here touches one but an
errand: a process that can be given up. mountd itself reads only /proc and its own directory.
"""

"""What a release does next: a table of states and signals. Pure.

Every decision about a release is an entry here: its kind, its state and what happened lead to its
next state and to what is to be done for it. What has no entry can't happen, or is refused where
somebody asked for it. A coordinator that takes over finds the state in the record, and goes on.

A rollback is never rolled back: what fails on the way back pauses.
"""

from collections.abc import Mapping
from enum import StrEnum

from schemas.release import ReleaseKind, ReleaseState


class Signal(StrEnum):
    """What can happen to a release."""

    #: every node that gets a new container has its image
    PULLED = "pulled"
    #: an image can't be had somewhere
    PULL_FAILED = "pull failed"
    #: a batch is up, or nothing was begun yet: the next one may begin
    BATCH_UP = "batch up"
    #: nothing is left to replace, and everything is up
    ALL_UP = "all up"
    #: the same, of a release that was confirmed before
    CONFIRMED_UP = "all up, confirmed"
    #: too many containers fail
    FAILED = "failed"
    #: the same, where the template says to go back then
    FAILED_BACK = "failed, to be rolled back"
    #: every router has the weights, or there is none
    ROUTED = "routed"
    #: somebody confirms it
    CONFIRM = "confirm"
    #: somebody wants it undone
    ROLLBACK = "rollback"


class Intent(StrEnum):
    """What is to be done for a release besides being in its next state."""

    #: begin the next batch of every service whose turn it is
    ADVANCE = "advance"
    #: the same, towards the current set
    RETREAT = "retreat"
    #: forget what failed so far, and try it at once
    TRY_AGAIN = "try again"
    #: remember that it is confirmed
    NOTE_CONFIRMATION = "note confirmation"
    FORGET_CONFIRMATION = "forget confirmation"
    #: all traffic to the next set, unless the weights are to stay
    MOVE_WEIGHTS = "move weights"
    #: all traffic to the current set
    RETURN_WEIGHTS = "return weights"
    #: the next set becomes the current one
    FINISH = "finish"
    #: the next set goes
    RESTORE = "restore"


Transition = tuple[ReleaseState, tuple[Intent, ...]]
_Part = Mapping[tuple[ReleaseState, Signal], Transition]

_S, _G, _I = ReleaseState, Signal, Intent

_STANDARD: _Part = {
    (_S.PULLING, _G.PULLED): (_S.UPDATING, (_I.ADVANCE,)),
    (_S.PULLING, _G.PULL_FAILED): (_S.PULL_FAILED, ()),
    (_S.PULLING, _G.FAILED_BACK): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.PULLING, _G.ROLLBACK): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.PULL_FAILED, _G.PULLED): (_S.UPDATING, (_I.ADVANCE,)),
    (_S.PULL_FAILED, _G.ROLLBACK): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.UPDATING, _G.BATCH_UP): (_S.UPDATING, (_I.ADVANCE,)),
    (_S.UPDATING, _G.ALL_UP): (_S.COMPLETED, (_I.FINISH,)),
    (_S.UPDATING, _G.FAILED): (_S.PAUSED, ()),
    (_S.UPDATING, _G.FAILED_BACK): (_S.ROLLING_BACK, (_I.RETREAT,)),
    (_S.UPDATING, _G.ROLLBACK): (_S.ROLLING_BACK, (_I.FORGET_CONFIRMATION, _I.RETREAT)),
    # Whoever confirms a paused update takes it as it is.
    (_S.PAUSED, _G.CONFIRM): (_S.UPDATING, (_I.NOTE_CONFIRMATION, _I.ADVANCE)),
    (_S.PAUSED, _G.ROLLBACK): (_S.ROLLING_BACK, (_I.FORGET_CONFIRMATION, _I.RETREAT)),
    (_S.ROLLING_BACK, _G.BATCH_UP): (_S.ROLLING_BACK, (_I.RETREAT,)),
    (_S.ROLLING_BACK, _G.ALL_UP): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.ROLLING_BACK, _G.FAILED): (_S.ROLLBACK_PAUSED, ()),
    (_S.ROLLING_BACK, _G.ROLLBACK): (_S.ROLLING_BACK, ()),
    # Whoever says so again takes the way back as it is: there must be a way out.
    (_S.ROLLBACK_PAUSED, _G.ROLLBACK): (
        _S.ROLLING_BACK,
        (_I.NOTE_CONFIRMATION, _I.TRY_AGAIN, _I.RETREAT),
    ),
    # What failed on the way back works after all.
    (_S.ROLLBACK_PAUSED, _G.BATCH_UP): (_S.ROLLING_BACK, (_I.RETREAT,)),
    (_S.ROLLBACK_PAUSED, _G.ALL_UP): (_S.ROLLED_BACK, (_I.RESTORE,)),
}

_BLUE_GREEN: _Part = {
    (_S.PULLING, _G.PULLED): (_S.UPDATING, (_I.ADVANCE,)),
    (_S.PULLING, _G.PULL_FAILED): (_S.PULL_FAILED, (_I.FORGET_CONFIRMATION,)),
    (_S.PULLING, _G.CONFIRM): (_S.PULLING, (_I.NOTE_CONFIRMATION,)),
    (_S.PULLING, _G.ROLLBACK): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.PULL_FAILED, _G.PULLED): (_S.UPDATING, (_I.ADVANCE,)),
    (_S.PULL_FAILED, _G.ROLLBACK): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.UPDATING, _G.BATCH_UP): (_S.UPDATING, (_I.ADVANCE,)),
    (_S.UPDATING, _G.ALL_UP): (_S.AWAITING_CONFIRMATION, ()),
    (_S.UPDATING, _G.CONFIRMED_UP): (_S.CONFIRMING, (_I.MOVE_WEIGHTS,)),
    (_S.UPDATING, _G.FAILED): (_S.PAUSED, (_I.FORGET_CONFIRMATION,)),
    (_S.UPDATING, _G.CONFIRM): (_S.UPDATING, (_I.NOTE_CONFIRMATION,)),
    (_S.UPDATING, _G.ROLLBACK): (_S.ROLLING_BACK, (_I.RETURN_WEIGHTS,)),
    (_S.AWAITING_CONFIRMATION, _G.CONFIRM): (
        _S.CONFIRMING,
        (_I.NOTE_CONFIRMATION, _I.MOVE_WEIGHTS),
    ),
    (_S.AWAITING_CONFIRMATION, _G.FAILED): (_S.PAUSED, ()),
    (_S.AWAITING_CONFIRMATION, _G.ROLLBACK): (_S.ROLLING_BACK, (_I.RETURN_WEIGHTS,)),
    (_S.PAUSED, _G.ALL_UP): (_S.AWAITING_CONFIRMATION, ()),
    (_S.PAUSED, _G.ROLLBACK): (_S.ROLLING_BACK, (_I.RETURN_WEIGHTS,)),
    (_S.CONFIRMING, _G.ROUTED): (_S.COMPLETED, (_I.FINISH,)),
    (_S.CONFIRMING, _G.FAILED): (_S.PAUSED, (_I.FORGET_CONFIRMATION, _I.RETURN_WEIGHTS)),
    (_S.CONFIRMING, _G.CONFIRM): (_S.CONFIRMING, ()),
    (_S.CONFIRMING, _G.ROLLBACK): (
        _S.ROLLING_BACK,
        (_I.FORGET_CONFIRMATION, _I.RETURN_WEIGHTS),
    ),
    (_S.ROLLING_BACK, _G.ROUTED): (_S.ROLLED_BACK, (_I.RESTORE,)),
    (_S.ROLLING_BACK, _G.ROLLBACK): (_S.ROLLING_BACK, ()),
}

#: by kind, state and signal
TABLE: Mapping[tuple[ReleaseKind, ReleaseState, Signal], Transition] = {
    **{(ReleaseKind.STANDARD, *key): then for key, then in _STANDARD.items()},
    **{(ReleaseKind.BLUE_GREEN, *key): then for key, then in _BLUE_GREEN.items()},
}

#: states that end a release
ENDS = frozenset({ReleaseState.COMPLETED, ReleaseState.ROLLED_BACK})


def states_of(kind: ReleaseKind) -> frozenset[ReleaseState]:
    """The states that a release of this kind can be in."""
    before = {state for of, state, _ in TABLE if of is kind}
    return frozenset(before | {then for key, (then, _) in TABLE.items() if key[0] is kind})

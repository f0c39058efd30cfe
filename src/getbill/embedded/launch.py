"""Launcher of PostgreSQL: switches to the account that it may run as, then executes it.

Run by path, before anything of ours is imported: `launch.py PARENT SIGNAL KIND UID GID COMMAND...`.
PostgreSQL refuses to run as root, so the process first enters a user namespace in which root has another
number (`namespace`), or switches to a system user (`user`), or stays unchanged (`self`). The invariant: the
server never outlives the process that started it; the kernel signals it.
"""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def enter_namespace(uid: int, gid: int) -> None:
    """Enter a new user namespace, in which we are `uid` and own what we own outside."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "the kernel allows no user namespace")
    # user_namespaces(7): an unprivileged process maps one id of its own, and gives up setgroups first.
    for file, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{file}", "w", encoding="ascii") as kernel:  # noqa: PTH123 pathlib doubles the start time
            kernel.write(line)


def become(uid: int, gid: int) -> None:
    """Switch to another user permanently."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def end_with(parent: int, sign: int) -> None:
    """Have the kernel signal us when the parent ends, however it ends; the signal may come more than once."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sign)
    if os.getppid() != parent:
        sys.exit("the parent ended before its child started")


def main(arguments: list[str]) -> None:
    """Switch to the account in the arguments, then execute the command."""
    parent, sign, kind, uid, gid, *command = arguments
    os.umask(0o077)
    if kind == "namespace":
        enter_namespace(int(uid), int(gid))
    elif kind == "user":
        os.chdir("/")
        become(int(uid), int(gid))
    end_with(int(parent), int(sign))
    os.execv(command[0], command)  # noqa: S606 this is what a launcher is for


if __name__ == "__main__":
    main(sys.argv[1:])

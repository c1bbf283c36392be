"""The NFS server of the shared volumes: nfs-ganesha on this machine's loopback.

The guest reaches it at 10.0.2.2, which is qemu's name for this machine. It serves a directory as
cloud providers do: its root is the share, and whoever mounts makes directories below it.

Writes: `<directory>/ganesha.conf`, its state, its log and `<directory>/share`.
"""

import shutil
from pathlib import Path

from cli.errors import RequirementMissing
from cli.listening import answers, is_free
from cli.processes import Child

#: this machine, as the guest sees it
HOST = "10.0.2.2"
#: NFS's own. A volume names only a host.
PORT = 2049

_CONFIG = """\
NFS_CORE_PARAM {{
  # Version 4 needs neither rpcbind nor any port but its own.
  Protocols = 4;
  NFS_Port = {port};
  Bind_addr = 127.0.0.1;
  Enable_RQUOTA = false;
  Enable_UDP = false;
  Enable_NLM = false;
  # Directories of one disk are told apart by the disk's device number.
  fsid_device = true;
}}
NFSV4 {{
  # Clients of an earlier run never come back.
  Graceless = true;
  # A server that was stopped for a minute finds on waking that a lease of a minute has run out, and
  # ganesha then fails what waited for it. The network's silence would not have this effect.
  Lease_Lifetime = 180;
  Minor_Versions = 1, 2;
  Only_Numeric_Owners = true;
  RecoveryBackend = fs;
  RecoveryRoot = {directory}/recovery;
}}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT_DEFAULTS {{ Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Protocols = 4;
  Transports = TCP; }}
EXPORT {{ Export_Id = 1; Path = {share}; Pseudo = /; FSAL {{ Name = VFS; }} }}
EXPORT {{ Export_Id = 2; Path = {share}/sealed; Pseudo = /sealed; Access_Type = RO;
  FSAL {{ Name = VFS; }} }}
EXPORT {{ Export_Id = 3; Path = {share}/foreign; Pseudo = /foreign; Access_Type = NONE;
  CLIENT {{ Clients = 192.0.2.1; Access_Type = RW; }} FSAL {{ Name = VFS; }} }}
"""


class NfsServer(Child):
    """Serves `share` for reading and writing, `/sealed` for reading, `/foreign` to others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.share = directory / "share"
        super().__init__(
            "ganesha",
            [
                *("ganesha.nfsd", "-F", "-N", "NIV_EVENT", "-f", str(directory / "ganesha.conf")),
                *("-L", "STDERR", "-p", str(directory / "ganesha.pid")),
            ],
            directory,
            ready=lambda: answers("127.0.0.1", PORT),
        )

    def start(self) -> None:
        """Serve an empty share. Raises RequirementMissing if the port is taken."""
        if not is_free("127.0.0.1", PORT):
            raise RequirementMissing(
                f"port {PORT} of 127.0.0.1 is taken; stop the NFS server of this machine, "
                "because a volume can't name another port",
            )
        shutil.rmtree(self._directory, ignore_errors=True)
        for directory in ("recovery", "share/sealed", "share/foreign"):
            (self._directory / directory).mkdir(parents=True)
        text = _CONFIG.format(port=PORT, directory=self._directory, share=self.share)
        (self._directory / "ganesha.conf").write_text(text)
        super().start()

"""What comes in and goes out as text: the kernel's table, options, and what programs say."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountd.domain import nfs, ossfs
from mountd.domain.faults import is_missing_directory, nfs_reason, ossfs_reason
from mountd.domain.judgement import Rules, judge
from mountd.domain.mountinfo import below, parse
from schemas.volume import OssfsOptions, VolumeSecret
from schemas.volume_options import ALLOWED, fault
from tests.unit.mountd.builders import a_bucket, a_nas, a_secret, an_order

TABLE = r"""
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
43 27 0:39 / /mnt/acs_mnt/ossfs/photos rw,nosuid,nodev - fuse troopers-photos rw,user_id=0
44 27 0:40 / /mnt/acs_mnt/nas/my\040share ro,nosuid shared:7 master:2 - nfs4 h:/a\134b rw,vers=4.2
45 27 0:41 / /mnt/acs_mnt/ossfs/photos rw - fuse.s3fs s3fs rw
46 27 0:42 / /mnt/acs_mntx/nas/other rw - nfs4 h:/ rw
a line of another kernel
"""
PLACES = ossfs.Places("/mnt/acs_mnt/ossfs/photos", "/run/keys", "/var/tmp")


def test_the_topmost_mount_of_each_place_counts() -> None:
    found = below(parse(TABLE), "/mnt/acs_mnt")
    assert set(found) == {"ossfs/photos", "nas/my share"}
    assert found["ossfs/photos"].mount_id == 45
    share = found["nas/my share"]
    assert (share.kind, share.source, share.is_read_only) == ("nfs4", "h:/a\\b", True)


def test_this_machine_s_table_can_be_read() -> None:
    text = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    assert len(parse(text)) == len(text.splitlines())


@given(st.text())
def test_no_text_upsets_the_parser(text: str) -> None:
    parse(text)
    parse(f"1 2 0:3 / {text} rw - {text} {text} rw")


def _options(*arguments: str) -> dict[str, str]:
    assert arguments[-2] == "-o"
    pairs = (one.partition("=") for one in arguments[-1].split(","))
    return {name: value for name, _, value in pairs}


def test_a_bucket_is_served_in_the_foreground_without_keys_on_the_command_line() -> None:
    arguments = ossfs.arguments(a_bucket(), PLACES)
    assert arguments[:4] == ("photos", "/mnt/acs_mnt/ossfs/photos", "-f", "-o")
    options = _options(*arguments)
    assert {"nosuid", "nodev", "allow_other"} <= set(options)
    assert options["passwd_file"] == "/run/keys"
    assert "the-key" not in " ".join(arguments)
    assert ossfs.key_file(a_bucket(), a_secret()) == "photos:the-key-id:the-key-secret\n"


def test_what_a_volume_says_is_passed_on_and_never_the_last_word() -> None:
    volume = a_bucket(
        other_opts="-o max_stat_cache_size=5 -ouid=1000,gid=1000 umask=022 -o sigv4",
        no_stat_cache=True,
        read_only=True,
    )
    assert volume.ossfs is not None
    assert fault(volume, a_secret()) is None
    options = _options(*ossfs.arguments(volume, PLACES))
    assert options["max_stat_cache_size"] == "0"
    assert (options["uid"], options["gid"], options["umask"]) == ("1000", "1000", "022")
    assert "sigv4" in options
    assert "ro" in options


@pytest.mark.parametrize(
    ("url", "expected", "host"),
    [
        ("oss.example", "https://oss.example", "oss.example"),
        ("http://oss.example:9000/", "http://oss.example:9000", "oss.example"),
        ("https://oss.example", "https://oss.example", "oss.example"),
    ],
)
def test_who_does_not_say_how_to_speak_speaks_encrypted(url: str, expected: str, host: str) -> None:
    options = OssfsOptions(bucket="photos", url=url)
    assert ossfs.url(options) == expected
    assert ossfs.host(options) == host


@pytest.mark.parametrize(
    "word",
    [
        *("suid", "dev", "exec", "remount", "rw", "nonempty", "-f", "-d", "allow_root"),
        *("passwd_file=/etc/shadow", "url=http://evil.example", "host=http://evil.example"),
        *("use_cache=/etc", "tmpdir=/etc", "logfile=/etc/passwd", "ahbe_conf=/etc/shadow"),
        *("mime=/etc/shadow", "fsname=x", "iam_role=auto", "ecs", "profile=root"),
        *("no_check_certificate", "ssl_verify_hostname=0", "curldbg", "dbglevel=dbg"),
        *("public_bucket=1", "default_acl=public-read", "uid=root", "uid=-1", "umask=999"),
        *("sigv4=1", "uid", "servicepath=/x", "bucket=other", "cipher_suites=NULL"),
        *("\x1b[31m", "=", "uid=1\x00", "uid=1;reboot", "set_check_cache_sigusr1=/etc/x"),
    ],
)
def test_every_other_option_is_refused_by_name(word: str) -> None:
    found = fault(a_bucket(other_opts=f"-o {word}"), a_secret())
    assert found is not None
    assert found.option == "other_opts"
    assert "not allowed" in found.message
    assert found.message.isprintable()


@given(st.text(max_size=60))
def test_no_other_opts_bring_an_option_in_that_is_not_listed(text: str) -> None:
    volume = a_bucket(other_opts=text)
    assert volume.ossfs is not None
    if fault(volume, a_secret()):
        return
    ours = {"url", "passwd_file", "tmpdir", "fsname"}
    options = _options(*ossfs.arguments(volume, PLACES))
    assert set(options) <= set(ALLOWED) | ours
    assert options["passwd_file"] == PLACES.keys


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (None, "no keys"),
        (a_secret(ak_id=""), "no keys"),
        (a_secret(ak_id="a:b"), "ak_id"),
        (a_secret(ak_secret="a\nother:id:key"), "ak_secret"),
        (a_secret(ak_secret="a b"), "ak_secret"),
    ],
)
def test_keys_that_can_not_be_written_down_are_refused(
    secret: VolumeSecret | None, reason: str
) -> None:
    found = fault(a_bucket(), secret)
    assert found is not None
    assert reason in found.message
    assert "other:id" not in found.message


@pytest.mark.parametrize("url", ["https://evil.com:.example", "oss.example:80:90", "a::b"])
def test_a_url_has_one_host(url: str) -> None:
    found = fault(a_bucket(url=url), a_secret())
    assert found is not None
    assert found.option == "url"


def test_who_writes_waits_and_who_reads_is_told() -> None:
    policy = nfs.NfsPolicy()
    writing = nfs.mount_options(a_nas(), policy).split(",")
    reading = nfs.mount_options(a_nas(read_only=True), policy).split(",")
    assert {"rw", "hard", "nosuid", "nodev", "vers=4"} <= set(writing)
    assert {"ro", "softerr", "nosuid", "nodev"} <= set(reading)
    assert "hard" not in reading
    soft = nfs.mount_options(a_nas(), nfs.NfsPolicy(read_write="softerr")).split(",")
    assert "softerr" in soft


@pytest.mark.parametrize(
    ("host", "path", "source"),
    [
        ("files.example", "/a/b", "files.example:/a/b"),
        ("files.example", "//a///b/", "files.example:/a/b"),
        ("files.example", "/", "files.example:/"),
        ("fd00::1", "/a", "[fd00::1]:/a"),
    ],
)
def test_an_export_s_name(host: str, path: str, source: str) -> None:
    volume = a_nas(host=host, path=path)
    assert volume.nas is not None
    assert nfs.source(volume.nas) == source


@pytest.mark.parametrize("path", ["/a/../b", "/.", "/a\nb", "/" + "n" * 256, "/" + "ä" * 600])
def test_paths_that_mean_something_else_are_refused(path: str) -> None:
    found = fault(a_nas(path=path), None)
    assert found is not None
    assert found.option == "path"
    assert fault(a_nas(), None) is None


@pytest.mark.parametrize(
    ("order", "refused"),
    [
        (an_order(a_nas(host="nas1.example")), False),
        (an_order(a_nas(host="NAS1.Example")), False),
        (an_order(a_nas(host="nas.evil")), True),
        (an_order(a_bucket(url="http://oss.example:9000")), False),
        (an_order(a_bucket(url="http://oss.example.evil")), True),
        (an_order(a_nas(host="nas.evil"), absent=True), False),
    ],
)
def test_a_node_mounts_from_the_hosts_that_it_may(order: object, refused: bool) -> None:
    wish = judge(order, Rules(allowed_hosts=("*.example", "10.0.0.?")))  # type: ignore[arg-type]
    assert bool(wish.refusal) is refused
    assert judge(order, Rules()).refusal == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "mount.nfs4: access denied by server while mounting h:/a",
            "the server denies access to the export h:/a",
        ),
        (
            "mount.nfs4: mounting h:/a failed, reason given by server: No such file or directory",
            "the server has no h:/a",
        ),
        (
            "mount.nfs4: Failed to resolve server h: Name or service not known",
            "the host of h:/a is unknown",
        ),
        (
            "mount.nfs4: Connection refused",
            "the host of h:/a refuses connections: no NFS server runs there",
        ),
        ("mount.nfs4: Connection timed out", "the server of h:/a doesn't answer"),
        ("mount.nfs4: No such device", "this node's kernel has no NFS client"),
        ("mount.nfs4: No route to host", "there is no route to the host of h:/a"),
        ("first\nmount.nfs4: a new trouble\n", "mounting h:/a failed: mount.nfs4: a new trouble"),
        ("", "mounting h:/a failed: no reason given"),
    ],
)
def test_what_mount_nfs_says_in_words(said: str, reason: str) -> None:
    assert nfs_reason(said, "h:/a") == reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[CRT] invalid credentials(host=x)", "the server refuses the keys for the bucket photos"),
        ("[CRT] bucket or key not found(host=x)", "the server has no bucket photos"),
        ("[CRT] unable to connect(host=x)", "the server of photos doesn't answer"),
        ("fuse: device not found, try 'modprobe fuse' first", "this node has no /dev/fuse"),
    ],
)
def test_what_a_bucket_s_program_says_in_words(said: str, reason: str) -> None:
    assert ossfs_reason(said, "photos") == reason


def test_only_a_missing_directory_is_one() -> None:
    assert is_missing_directory("reason given by server: No such file or directory")
    assert not is_missing_directory("access denied by server")

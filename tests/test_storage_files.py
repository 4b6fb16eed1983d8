"""Files and folders in use, errors of the storage told from others, and files that are damaged, deep or somebody else's."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from blockspace.errors import BlockspaceError, StorageError
from blockspace.files import (
    PNG_BEGINNING,
    SVG_BEGINNINGS,
    anchor,
    append_line,
    as_storage_error,
    check_anchors,
    check_replaceable,
    find_storage_error,
    make_folder,
    read_json,
    write_atomic,
)


@pytest.mark.parametrize("change", ["moved", "removed", "replaced"])
def test_a_folder_in_use_is_never_made_anew(tmp_path, change):
    run = tmp_path / "run"
    (run / "trials").mkdir(parents=True)
    with anchor(run):
        write_atomic(run / "trials" / "0000" / "result.json", "{}")
        if change == "removed":
            shutil.rmtree(run)
        else:
            run.rename(tmp_path / "elsewhere")
        if change == "replaced":
            run.mkdir()
        left = sorted(tmp_path.rglob("*"))
        for write in (
            lambda: check_anchors(),
            lambda: write_atomic(run / "answer.txt", "text"),
            lambda: write_atomic(run / "finalists" / "a" / "seed-0" / "arch.yaml", "text"),
            lambda: make_folder(run / "trials" / "0001"),
        ):
            with pytest.raises(StorageError, match="run was moved, removed or replaced while it was in use") as caught:
                write()
            assert caught.value.exit_code == 3 and caught.value.mistakes[0].help
        assert sorted(tmp_path.rglob("*")) == left
        write_atomic(tmp_path / "other" / "file", "another folder is none of its business")
    write_atomic(run / "trials" / "file", "it is no longer in use")


def test_a_folder_that_vanishes_between_check_and_use_is_not_made(tmp_path, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    with anchor(run):
        run.rename(tmp_path / "elsewhere")
        monkeypatch.setattr("blockspace.files.check_anchors", lambda path=None: None)
        with pytest.raises(OSError):
            make_folder(run / "trials" / "0001")
    assert not run.exists()


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("reason, code", [
    (FULL, "E-DISK"),
    (OSError(errno.EDQUOT, "quota", "/somewhere/else"), "E-DISK"),
    (OSError(errno.EIO, "broken", "/somewhere/else"), "E-IO"),
    (OSError(errno.ESTALE, "stale"), "E-IO"),
    (PermissionError(errno.EACCES, "no", "/run/trials/0001/arch.yaml"), "E-IO"),
    (FileNotFoundError(errno.ENOENT, "gone", "/run/trials"), "E-IO"),
    (RuntimeError('IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })'), "E-DISK"),
    (RuntimeError("iostream: Input/output error"), "E-IO"),
    (FileNotFoundError(errno.ENOENT, "gone", "/data/images/1.png"), None),
    (PermissionError(errno.EACCES, "no", "/data/images/1.png"), None),
    (FileNotFoundError(errno.ENOENT, "gone", "/runs/other"), None),
    (ValueError("disk"), None),
    (MemoryError(), None),
])  # fmt: skip
def test_errors_of_the_storage_are_told_from_others(reason, code):
    found = find_storage_error(reason, "/run")
    assert (found.mistakes[0].code if found else None) == code
    wrapped = RuntimeError("a training failed")
    wrapped.__cause__ = reason
    if code and reason is not PermissionError and getattr(reason, "errno", None) not in (errno.EACCES, errno.ENOENT):
        assert find_storage_error(wrapped, "/run").mistakes[0].code == code


def test_a_system_error_becomes_one_line(tmp_path):
    with pytest.raises(StorageError, match=f"^{tmp_path}: the disk is full$"), as_storage_error(tmp_path):
        raise FULL
    with pytest.raises(FileNotFoundError), as_storage_error(tmp_path):
        open("/nowhere/at/all").close()


@pytest.mark.parametrize("content", [b"[" * 200_000, b"{", b"", b"\xff\xfe", b'{"a": 1}}'])
def test_what_is_no_json_is_a_value_error(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "file")


def test_a_link_is_not_appended_through(tmp_path):
    (tmp_path / "target").write_text("mine\n")
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(OSError) as caught:
        append_line(tmp_path / "link", "text\n")
    assert caught.value.errno == errno.ELOOP and (tmp_path / "target").read_text() == "mine\n"


def test_a_picture_replaces_a_picture_only(tmp_path):
    for name, content, beginnings in [("a.svg", "study: mine\n", SVG_BEGINNINGS), ("a.png", "study: mine\n", (PNG_BEGINNING,))]:
        check_replaceable(tmp_path / name, *beginnings)
        (tmp_path / name).write_text(content)
        with pytest.raises(BlockspaceError, match="another kind of file, so it is not replaced") as caught:
            check_replaceable(tmp_path / name, *beginnings)
        assert caught.value.exit_code == 2
        (tmp_path / name).write_bytes(beginnings[0] + b"...")
        check_replaceable(tmp_path / name, *beginnings)

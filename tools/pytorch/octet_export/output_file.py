"""Writes the file: it appears whole or not at all, and never replaces a file of another kind by
mistake."""
import contextlib
import errno
import os
import secrets
import stat
import struct

from .errors import ExportError


def check(path, read, force):
    """Checks that `path` can be written.

    Error: nothing can be written there, or it is one of the files in `read`, or it exists and is no
    safetensors file (without force). Files are compared by identity, so links and other names lead
    to the same file.
    """
    try:
        target = os.stat(path)
    except FileNotFoundError:
        _check_folder(path)
        return
    except (OSError, TypeError, ValueError) as error:
        raise ExportError(f"{path}: cannot write: {_reason(error)}") from error
    if stat.S_ISDIR(target.st_mode):
        raise ExportError(f"{path}: cannot write: this is a folder; name the file in it")
    if not stat.S_ISREG(target.st_mode):
        return _check_device(path, target)
    for name in read:
        with contextlib.suppress(OSError):
            if os.path.samestat(target, os.stat(name)):
                raise ExportError(f"{path}: cannot write: this is the file that is read as {name}; "
                                  "name another file")
    if target.st_size > 0 and not force and not _is_safetensors(path, target.st_size):
        raise ExportError(f"{path}: cannot write: there is a file of this name that is not a "
                          ".safetensors file; name another file, or give --force (force=True) to "
                          "overwrite it")


def _reason(error):
    return getattr(error, "strerror", None) or str(error)


def _check_folder(path):
    """Error: there is no folder in which a new file `path` can be made."""
    if not os.fspath(path):
        raise ExportError("cannot write: the path of the file to write is empty")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise ExportError(f"{path}: cannot write: there is no folder '{folder}'; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(f"{path}: cannot write: the folder '{folder}' may not be written to")


def _check_device(path, target):
    """Error: the path is a device or a pipe that may not be written to, or that accepts no data.

    It is not opened for this check, because the reader of a pipe would see its end.
    """
    if not os.access(path, os.W_OK):
        raise ExportError(f"{path}: cannot write: {os.strerror(errno.EACCES)}")
    with contextlib.suppress(OSError):
        if target.st_rdev == os.stat("/dev/full").st_rdev:
            raise ExportError(f"{path}: cannot write: {os.strerror(errno.ENOSPC)}")


def _is_safetensors(path, size):
    with open(path, "rb") as file:
        beginning = file.read(9)
    if len(beginning) < 9 or beginning[8:] != b"{":
        return False
    return 8 + struct.unpack("<Q", beginning[:8])[0] <= size


@contextlib.contextmanager
def opened(path):
    """Yields a binary file to write into. It replaces `path` when the block ends without an error.

    Its mode follows from the umask, or is that of the file that it replaces. A link is followed and
    stays. A device or a pipe is written into directly.
    """
    target = os.path.realpath(path)
    mode = None
    if os.path.exists(path):
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            with open(path, "wb") as file:
                yield file
            return
        mode = stat.S_IMODE(status.st_mode)
    unfinished = os.path.join(os.path.dirname(target), f".octet-{secrets.token_hex(8)}.part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        os.unlink(unfinished)
        raise
    with contextlib.suppress(OSError):
        folder = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

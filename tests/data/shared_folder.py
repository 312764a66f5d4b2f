"""The folder of the public files that tests and measurements take: the one that C++ tests know
too."""
import os

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def shared_folder():
    """-> what OCTET_SHARED_DATA names, by default shared/data beside the project."""
    return (os.environ.get("OCTET_SHARED_DATA")
            or os.path.normpath(os.path.join(_ROOT, "..", "shared", "data")))


def skipped(folder, *names):
    """-> what a test says that needs these files."""
    return (f"no {', '.join(names)} in {folder} (OCTET_SHARED_DATA names the folder; "
            f"tests/data/fetch.py fetch {' '.join(names)} brings it, or says where it is)")

#!/usr/bin/env python3
"""Where the public files behind the documentation and some tests come from; checks and fetches
them.

    tests/data/fetch.py [check] [--missing-ok] [NAME...]   compares each file with its checksum
    tests/data/fetch.py list [NAME...]                     what there is, its source and licence,
                                                           and what uses it
    tests/data/fetch.py fetch [NAME...]                    brings what is missing and has an address

NAME is a file or a folder of manifest.json, such as tflite or zoo/yolox_nano.onnx: without one,
all. The data's folder is --folder, else what OCTET_SHARED_DATA names, else shared/data beside the
project. docs/data.md says more.

A file takes its place when it is whole and its checksum is right, and never that of another. What
was cut short is kept in .fetch in the folder, and the next fetch goes on from there. The status is
0 where all is well, 1 where a file is missing, is another, or could not be brought, and 2 where the
call is wrong.

Needs Python 3.9 and nothing else; imagenet's pictures are scaled by Pillow.
"""
import argparse
import contextlib
import fnmatch
import gzip
import hashlib
import http.client
import io
import json
import os
import posixpath
import shutil
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zlib

from shared_folder import shared_folder

MANIFEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "manifest.json")
CHUNK = 1 << 20
SECONDS = 60  # without a byte from the other side
# What reading a damaged archive raises.
DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


class Failed(Exception):
    """A file could not be brought; the text says why and what to do."""


class Manifest:
    """manifest.json: `records`, a dictionary each, and the repositories that they come from."""

    def __init__(self, path=MANIFEST):
        with open(path, encoding="utf-8") as file:
            described = json.load(file)
        self.addresses, self.repositories = described["addresses"], described["repositories"]
        self.records = described["files"]

    def chosen(self, names):
        """-> the records of these files and folders, or all. Raises Failed."""
        names = [posixpath.normpath(name) for name in names]
        for name in names:
            if not any(self._is_in(record, name) for record in self.records):
                raise Failed(f"{name}: the manifest has no such file or folder ('list' shows what "
                             "it has)")
        return [record for record in self.records
                if not names or any(self._is_in(record, name) for name in names)]

    @staticmethod
    def _is_in(record, name):
        return record["path"] == name or record["path"].startswith(name + "/")

    def address(self, record):
        """-> where the record's file, or the archive that it is made of, is to be had; None where
        nowhere."""
        if "repository" not in record:
            return None
        repository = record["repository"]
        kind = "file" if record["kind"] == "file" else "archive"
        return self.addresses[kind].format(repository=repository,
                                           commit=self.repositories[repository]["commit"],
                                           path=urllib.parse.quote(record["at"]))

    def source(self, record):
        """-> where the record comes from, in words."""
        if "repository" not in record:
            return record["source"]
        commit = self.repositories[record["repository"]]["commit"]
        made = f"; {record['source']}" if "source" in record else ""
        return f"{record['repository']} at {commit}, {record['at']}{made}"

    def licence(self, record):
        """-> what the source says of its licence."""
        return record.get("licence") or self.repositories[record["repository"]]["licence"]


def digest_of(file):
    """-> the SHA-256 of an open file's bytes, and how many they are."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


class Listing:
    """Of several files the SHA-256 of the lines 'SHA-256  name', as sha256sum prints them, sorted
    by name."""

    def __init__(self):
        self._lines, self._bytes = {}, 0

    def add(self, name, file):
        digest, size = digest_of(file)
        self._lines[name] = digest
        self._bytes += size

    def found(self):
        """-> the record's figures: bytes, files, SHA-256."""
        text = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._lines.items()))
        return {"bytes": self._bytes, "files": len(self._lines),
                "sha256": hashlib.sha256(text.encode()).hexdigest()}


def measured(record, path):
    """-> the figures of what lies at `path`, as the manifest has them. Raises OSError and
    DAMAGE."""
    if record["kind"] == "file":
        with open(path, "rb") as file:
            digest, size = digest_of(file)
        return {"bytes": size, "sha256": digest}
    listing = Listing()
    if record["kind"] == "archive":
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.isfile():
                    listing.add(member.name, archive.extractfile(member))
    else:
        for name in os.listdir(path):
            with open(os.path.join(path, name), "rb") as file:
                listing.add(name, file)
    return listing.found()


def difference(record, path):
    """-> '' where what lies at `path` is what the manifest says, else what is different."""
    try:
        found = measured(record, path)
    except (OSError, *DAMAGE) as error:
        return f"cannot be read: {error}"
    for key, what in (("files", "files"), ("bytes", "bytes")):
        if found.get(key) != record.get(key):
            return f"{found.get(key)} {what}, the manifest says {record.get(key)}"
    return ("" if found["sha256"] == record["sha256"]
            else f"its checksum is {found['sha256']}, not {record['sha256']}")


class Fetcher:
    """Brings records into a folder."""

    def __init__(self, manifest, folder):
        self.manifest, self.folder = manifest, folder
        self.parts = os.path.join(folder, ".fetch")
        self._archives = {}  # of repositories, and what is made of each
        self._silent = set()  # hosts

    def fetch(self, record):
        """Brings one record that is not there. Raises Failed."""
        address = self.manifest.address(record)
        if address is None:
            raise Failed(f"cannot be fetched: {self.manifest.source(record)}")
        whole = self._part(record["path"])
        os.makedirs(self.parts, exist_ok=True)
        if record["kind"] == "file":
            self._download(address, whole, record["bytes"])
        else:
            archive = self._archive(record)
            self._archives.setdefault(archive, []).append(os.path.join(self.folder, record["path"]))
            if not os.path.exists(archive):
                self._download(address, archive + ".part", None)
                os.rename(archive + ".part", archive)
            self._make(record, archive, whole)
        wrong = difference(record, whole)
        if wrong:
            self._remove(whole)
            made = f" ({record['source']})" if "source" in record else ""
            raise Failed(f"nothing was written: {address} gives{made} another file than the "
                         f"manifest's: {wrong}")
        path = os.path.join(self.folder, record["path"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            raise Failed("something took its place meanwhile, and stays")
        os.rename(whole, path)

    def finish(self):
        """Removes the archives that no file waits for, and the folder of parts where it is
        empty."""
        for archive, made in self._archives.items():
            if all(map(os.path.exists, made)):
                self._remove(archive)
        with contextlib.suppress(OSError):
            os.rmdir(self.parts)

    def _part(self, name):
        return os.path.join(self.parts, name.replace("/", "+"))

    @staticmethod
    def _remove(path):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    def _archive(self, record):
        """-> the path of the repository's archive, which several records may be made of."""
        repository = record["repository"]
        return self._part(f"{repository}.{self.manifest.repositories[repository]['commit']}.tar.gz")

    def _download(self, address, path, size):
        """Brings `address` to `path`, on from what is there already; `size` in bytes, or None.
        Raises Failed."""
        host = urllib.parse.urlsplit(address).netloc
        if host in self._silent:
            raise Failed(f"{address}: not tried, since {host} did not answer before")
        begin = os.path.getsize(path) if os.path.exists(path) else 0
        if size is not None and begin >= size:
            if begin == size:
                return
            begin = 0
        request = urllib.request.Request(address, headers={"User-Agent": "octet-tests-data"})
        if begin:
            request.add_header("Range", f"bytes={begin}-")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                begin = begin if self._goes_on(answer, begin) else 0
                left = answer.headers.get("Content-Length")
                with open(path, "ab" if begin else "wb") as file:
                    done = self._copy(answer, file, None if size is None else size + 1 - begin)
        except urllib.error.HTTPError as error:
            if error.code == 416:  # The partial file is not the beginning of this file.
                self._remove(path)
            raise Failed(f"{address}: {error.code} {error.reason}") from None
        except urllib.error.URLError as error:  # It was not even reached.
            if host:
                self._silent.add(host)
            raise Failed(f"{address}: {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{address}: {str(error) or type(error).__name__}; the next fetch goes "
                         "on") from None
        wanted = size if size is not None else begin + int(left) if left else begin + done
        if begin + done < wanted:
            raise Failed(f"{address}: only {begin + done} of {wanted} bytes came; the next fetch "
                         "goes on")

    @staticmethod
    def _goes_on(answer, begin):
        """-> whether the answer starts at byte `begin`, as was asked."""
        return getattr(answer, "status", None) == 206 and \
            answer.headers.get("Content-Range", "").startswith(f"bytes {begin}-")

    @staticmethod
    def _copy(source, target, most):
        """-> how many bytes were copied, `most` of them at most."""
        done = 0
        while most is None or done < most:
            chunk = source.read(CHUNK if most is None else min(CHUNK, most - done))
            if not chunk:
                break
            target.write(chunk)
            done += len(chunk)
        return done

    def _make(self, record, archive, whole):
        """Makes what the record is of files of a repository's archive. Raises Failed."""
        self._remove(whole)
        make = {"archive": self._make_archive, "pictures": self._make_pictures}[record["kind"]]
        try:
            with tarfile.open(archive, "r:gz") as repository:
                members = {}
                for member in repository:
                    # Without the folder that a repository's archive has.
                    name = member.name.partition("/")[2]
                    if member.isfile() and fnmatch.fnmatchcase(name, record["at"]):
                        members[name] = member
                make(record, repository, members, whole)
        except DAMAGE as error:
            self._remove(archive)
            raise Failed(f"the archive of {record['repository']} is damaged ({error}); fetch "
                         "again") from None

    @staticmethod
    def _make_archive(_, repository, members, whole):
        with tarfile.open(whole, "w:gz", format=tarfile.PAX_FORMAT) as made:
            for name in sorted(members):
                entry = tarfile.TarInfo(name)
                entry.size = members[name].size
                made.addfile(entry, repository.extractfile(members[name]))

    @staticmethod
    def _make_pictures(record, repository, members, whole):
        """Every picture whose place in the order of names leaves `record['first']` on division by
        `record['every']`."""
        try:
            from PIL import Image
        except ImportError:
            raise Failed("scaling its pictures needs Pillow (Debian: python3-pil); run this with a "
                         "Python that has it") from None
        names = sorted(members)
        os.makedirs(whole)
        for place in range(record["first"], len(names), record["every"]):
            name = names[place]
            picture = Image.open(io.BytesIO(repository.extractfile(members[name]).read()))
            size = [round(side * 256 / min(picture.size)) for side in picture.size]
            word = posixpath.splitext(posixpath.basename(name))[0].partition("_")[2]
            picture.convert("RGB").resize(size, Image.BICUBIC).save(
                os.path.join(whole, f"{place:04d}_{word}.jpg"), "JPEG", quality=92)


def check(manifest, folder, names, missing_ok):
    """Compares files with their checksums. -> whether all is well."""
    counts = {"ok": 0, "missing": 0, "another": 0}
    for record in manifest.chosen(names):
        path = os.path.join(folder, record["path"])
        wrong = difference(record, path) if os.path.lexists(path) else ""
        state = "another" if wrong else "ok" if os.path.lexists(path) else "missing"
        counts[state] += 1
        print(f"{state:8} {record['path']}{': ' if wrong else ''}{wrong}", flush=True)
    print(f"{folder}: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    return not counts["another"] and (missing_ok or not counts["missing"])


def show(manifest, names):
    """Prints a Markdown table of the manifest."""
    head = ("file or folder", "bytes", "SHA-256", "from", "licence", "used by")
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for record in manifest.chosen(names):
        print("| " + " | ".join((record["path"], str(record["bytes"]), record["sha256"],
                                 manifest.source(record),
                                 manifest.licence(record), ", ".join(record["used_by"]))) + " |")


def fetch(manifest, folder, names):
    """Brings what is missing. -> whether all is there now."""
    fetcher, well = Fetcher(manifest, folder), True
    for record in manifest.chosen(names):
        path = os.path.join(folder, record["path"])
        try:
            if not os.path.lexists(path):
                print(f"...      {record['path']}: {record['bytes']} bytes", flush=True)
                fetcher.fetch(record)
                print(f"fetched  {record['path']}", flush=True)
            elif wrong := difference(record, path):
                raise Failed(f"another file is there and stays ({wrong}): move it away to fetch "
                             "this one")
            else:
                print(f"ok       {record['path']}", flush=True)
        except (Failed, OSError) as error:
            well = False
            print(f"failed   {record['path']}: {error}", flush=True)
    fetcher.finish()
    return well


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", default="check", choices=("check", "list", "fetch"))
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="files and folders of the manifest (default: all)")
    parser.add_argument("--folder", default=shared_folder(),
                        help="the data's folder (default: %(default)s)")
    parser.add_argument("--missing-ok", action="store_true",
                        help="check: a file that is not there is no fault")
    parser.add_argument("--manifest", default=MANIFEST, help="another manifest than the project's")
    given = parser.parse_args(arguments)
    try:
        manifest = Manifest(given.manifest)
        manifest.chosen(given.names)
    except (Failed, OSError, ValueError, KeyError) as error:
        parser.error(f"{given.manifest}: {error}" if not isinstance(error, Failed) else str(error))
    if given.command == "list":
        show(manifest, given.names)
        return 0
    if given.command == "fetch":
        return 0 if fetch(manifest, given.folder, given.names) else 1
    return 0 if check(manifest, given.folder, given.names, given.missing_ok) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

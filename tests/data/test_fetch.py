"""fetch.py on folders and servers of its own, and what the manifest says of the project's files."""
import contextlib
import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import sys
import tarfile
import tempfile
import threading
import unittest
from unittest import mock

import fetch
import shared_folder

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONTENTS = bytes(range(256)) * 40


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; knows ranges, and cuts the first answer for each name in `cut` short."""

    cut, asked = set(), []

    def do_GET(self):
        type(self).asked.append((self.path, self.headers.get("Range")))
        file = self.translate_path(self.path)
        if not os.path.isfile(file):
            return self.send_error(404)
        contents = pathlib.Path(file).read_bytes()
        begin = int(self.headers["Range"][len("bytes="):-1]) if "Range" in self.headers else 0
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(contents) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(contents) - 1}/{len(contents)}")
        self.end_headers()
        name = os.path.basename(file)
        self.wfile.write(contents[begin:len(contents) // 2 if name in self.cut else None])
        self.cut.discard(name)

    def log_message(self, *_):
        pass


def sha256(contents):
    return hashlib.sha256(contents).hexdigest()


class Fetch(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.there, self.here = (pathlib.Path(folder.name, "there"),
                                 pathlib.Path(folder.name, "here"))
        self.there.mkdir()
        self.manifest = pathlib.Path(folder.name, "manifest.json")
        Server.cut, Server.asked = set(), []
        server = http.server.ThreadingHTTPServer(("localhost", 0),
                                                 functools.partial(Server, directory=self.there))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.server = f"http://localhost:{server.server_port}"

    def describe(self, *records, address=None):
        address = address or self.server
        with open(self.manifest, "w", encoding="utf-8") as file:
            json.dump({"addresses": {"file": address + "/{path}",
                                     "archive": address + "/{commit}.tar.gz"},
                       "repositories": {"a/b": {"commit": "c", "licence": "none"}},
                       "files": records}, file)

    @staticmethod
    def record(path="models/m.bin", contents=CONTENTS, **more):
        return {"path": path, "kind": "file", "bytes": len(contents), "sha256": sha256(contents),
                "used_by": [], "repository": "a/b", "at": "m.bin", **more}

    def call(self, *arguments):
        """-> (status, what was printed)."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                status = fetch.main([*arguments, "--manifest", str(self.manifest), "--folder",
                                     str(self.here)])
            except SystemExit as end:
                status = end.code
        return status, out.getvalue()

    def files(self):
        """-> every file in the folder, by its name."""
        return {path.relative_to(self.here).as_posix(): path.read_bytes()
                for path in self.here.rglob("*") if path.is_file()}

    def test_check_sees_what_is_missing_and_what_is_another(self):
        self.describe(self.record())
        self.assertEqual(self.call(),
                         (1, f"missing  models/m.bin\n{self.here}: 0 ok, 1 missing, 0 another\n"))
        self.assertEqual(self.call("check", "--missing-ok")[0], 0)
        file = self.here / "models" / "m.bin"
        file.parent.mkdir(parents=True)
        file.write_bytes(CONTENTS)
        self.assertEqual(self.call("check", "models")[0], 0)
        for contents, reason in ((b"!" + CONTENTS[1:], "its checksum is"),
                                 (CONTENTS[1:], "10239 bytes")):
            file.write_bytes(contents)
            status, out = self.call("check", "--missing-ok")
            self.assertEqual(status, 1)
            self.assertIn(f"another  models/m.bin: {reason}", out)
        file.unlink()
        file.mkdir()
        status, out = self.call("check")
        self.assertEqual(status, 1)
        self.assertIn("another  models/m.bin: cannot be read", out)

    def test_check_of_a_folder_and_of_an_archive(self):
        lines = f"{sha256(b'1')}  a/1\n{sha256(b'22')}  a/2\n".encode()
        figures = {"bytes": 3, "files": 2, "sha256": sha256(lines)}
        self.here.mkdir()
        with tarfile.open(self.here / "a.tgz", "w:gz") as archive:  # in another order
            for name, contents in (("a/2", b"22"), ("a/1", b"1")):
                member = tarfile.TarInfo(name)
                member.size = len(contents)
                archive.addfile(member, io.BytesIO(contents))
        pictures = self.here / "pictures"
        pictures.mkdir()
        (pictures / "1").write_bytes(b"1")
        (pictures / "2").write_bytes(b"22")
        self.describe({**self.record("a.tgz", kind="archive"), **figures},
                      {**self.record("pictures", kind="pictures"), **figures,
                       "sha256": sha256(lines.replace(b"a/", b""))})
        self.assertEqual(self.call()[0], 0)
        (pictures / "3").write_bytes(b"")
        self.assertIn("another  pictures: 3 files, the manifest says 2", self.call()[1])
        contents = (self.here / "a.tgz").read_bytes()
        for damaged in (contents[:-20], b"no archive"):
            (self.here / "a.tgz").write_bytes(damaged)
            self.assertIn("another  a.tgz: cannot be read", self.call()[1])

    def test_fetch_brings_what_is_missing(self):
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(self.record(), self.record("n.bin"), self.record("o.bin"))
        self.assertEqual(self.call("fetch", "models", "n.bin")[0], 0)
        self.assertEqual(self.files(), {"models/m.bin": CONTENTS, "n.bin": CONTENTS})
        self.assertFalse((self.here / ".fetch").exists())
        Server.asked.clear()
        self.assertEqual(self.call("fetch", "models")[0], 0)
        self.assertEqual(Server.asked, [])
        self.assertEqual(self.call("check")[0], 1)

    def test_addresses_may_be_files(self):
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(self.record(), address=self.there.as_uri())
        self.assertEqual(self.call("fetch")[0], 0)
        self.assertEqual(self.files(), {"models/m.bin": CONTENTS})

    def test_nothing_takes_its_place_with_another_checksum(self):
        self.describe(self.record())
        for contents in (CONTENTS[:-1] + b"!", CONTENTS + b"!"):
            (self.there / "m.bin").write_bytes(contents)
            status, out = self.call("fetch")
            self.assertEqual(status, 1)
            self.assertIn("failed   models/m.bin: nothing was written", out)
            self.assertEqual(self.files(), {})

    def test_what_was_cut_short_never_takes_its_place_and_goes_on(self):
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(self.record())
        Server.cut.add("m.bin")
        status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn(f"only {len(CONTENTS) // 2} of {len(CONTENTS)} bytes", out)
        self.assertEqual(self.files(), {".fetch/models+m.bin": CONTENTS[:len(CONTENTS) // 2]})
        self.assertEqual(self.call("fetch")[0], 0)
        self.assertEqual(self.files(), {"models/m.bin": CONTENTS})
        self.assertEqual(Server.asked,
                         [("/m.bin", None), ("/m.bin", f"bytes={len(CONTENTS) // 2}-")])

    def test_a_part_of_another_file_does_not_stay(self):
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(self.record())
        for size in (100, len(CONTENTS), len(CONTENTS) + 1):
            (self.here / ".fetch").mkdir(parents=True, exist_ok=True)
            (self.here / ".fetch" / "models+m.bin").write_bytes(b"?" * size)
            too_long = size > len(CONTENTS)  # cannot be its beginning
            self.assertEqual(self.call("fetch")[0], 0 if too_long else 1)
            self.assertEqual(self.files(), {"models/m.bin": CONTENTS} if too_long else {})

    def test_another_file_is_not_overwritten(self):
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(self.record())
        (self.here / "models").mkdir(parents=True)
        (self.here / "models" / "m.bin").write_bytes(b"mine")
        status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn("failed   models/m.bin: another file is there and stays", out)
        self.assertEqual(self.files(), {"models/m.bin": b"mine"})

    def test_what_has_no_address_says_where_it_is(self):
        local = self.record(source="made here")
        del local["repository"], local["at"]
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(local, self.record("n.bin"))
        status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn("failed   models/m.bin: cannot be fetched: made here\n", out)
        self.assertEqual(self.files(), {"n.bin": CONTENTS})

    def test_errors_of_the_other_side(self):
        self.describe(self.record())
        status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn("/m.bin: 404", out)
        self.describe(self.record(), self.record("n.bin"), address="http://localhost:1")
        status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn("refused", out)
        self.assertIn("not tried, since localhost:1 did not answer before", out)

    def test_a_folder_that_cannot_be_made(self):
        (self.there / "m.bin").write_bytes(CONTENTS)
        self.describe(self.record())
        self.here.write_bytes(b"a file")
        status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn("failed   models/m.bin: ", out)

    def test_wrong_calls(self):
        self.describe(self.record())
        for arguments, text in (
                (("check", "models/x.bin"), "models/x.bin: the manifest has no such file"),
                (("check", "model"), "no such file"), (("bring",), "invalid choice")):
            status, out = self.call(*arguments)
            self.assertEqual(status, 2)
            self.assertIn(text, out)
        self.manifest.write_text("{")
        self.assertEqual(self.call()[0], 2)

    def archive_of_a_repository(self, files):
        with tarfile.open(self.there / "c.tar.gz", "w:gz") as archive:
            for name, contents in files.items():
                member = tarfile.TarInfo("b-c/" + name)
                member.size = len(contents)
                archive.addfile(member, io.BytesIO(contents))

    def test_archives_are_made_of_a_repository(self):
        self.archive_of_a_repository({"x/2.jpg": b"22", "README": b"no", "x/1.jpg": b"1",
                                      "y/3.jpg": b"333"})

        def archive(path, at, files):
            lines = "".join(f"{sha256(contents)}  {name}\n"
                            for name, contents in sorted(files.items()))
            return {**self.record(path, kind="archive", at=at), "files": len(files),
                    "sha256": sha256(lines.encode()), "bytes": sum(map(len, files.values()))}
        self.describe(archive("x.tgz", "x/*.jpg", {"x/1.jpg": b"1", "x/2.jpg": b"22"}),
                      archive("y.tgz", "y/*.jpg", {"y/3.jpg": b"333"}))
        self.assertEqual(self.call("fetch")[0], 0)
        self.assertEqual(self.call("check")[0], 0)
        self.assertEqual(set(self.files()), {"x.tgz", "y.tgz"})
        self.assertEqual(len(Server.asked), 1)

        self.describe(archive("z.tgz", "x/*.jpg", {"x/1.jpg": b"1"}))
        self.assertIn("failed   z.tgz: nothing was written", self.call("fetch")[1])
        self.assertEqual(set(self.files()), {"x.tgz", "y.tgz", ".fetch/a+b.c.tar.gz"})

    def test_a_damaged_archive_is_fetched_again(self):
        self.describe({**self.record("x.tgz", kind="archive", at="*"), "files": 1})
        (self.there / "c.tar.gz").write_bytes(b"no archive")
        self.assertIn("the archive of a/b is damaged", self.call("fetch")[1])
        self.assertEqual(self.files(), {})

    def test_pictures_need_pillow(self):
        self.archive_of_a_repository({"n1_a.JPEG": b"?"})
        self.describe({**self.record("p", kind="pictures", at="*.JPEG", first=0, every=1),
                       "files": 1})
        with mock.patch.dict(sys.modules, {"PIL": None}):
            status, out = self.call("fetch")
        self.assertEqual(status, 1)
        self.assertIn("failed   p: scaling its pictures needs Pillow", out)
        self.assertEqual(set(self.files()), {".fetch/a+b.c.tar.gz"})  # for a Python that has it

    def test_pictures_are_scaled(self):
        try:
            from PIL import Image
        except ImportError:
            self.skipTest("no Pillow here")
        files, lines, size = {}, "", 0
        for i, shape in enumerate(((300, 600), (512, 256), (9, 9))):
            file, scaled = io.BytesIO(), io.BytesIO()
            picture = Image.linear_gradient("L").resize(shape)
            picture.save(file, "PNG")
            files[f"n{i}_a_{i}.JPEG"] = file.getvalue()
            if i != 1:
                picture = picture.convert("RGB").resize((256, 512 if i == 0 else 256),
                                                        Image.BICUBIC)
                picture.save(scaled, "JPEG", quality=92)
                lines += f"{sha256(scaled.getvalue())}  {i:04d}_a_{i}.jpg\n"
                size += len(scaled.getvalue())
        self.archive_of_a_repository(files)
        record = {**self.record("p", kind="pictures", at="*.JPEG", first=0, every=2), "files": 2,
                  "bytes": size}
        self.describe(record)
        self.assertIn("failed   p: nothing was written", self.call("fetch")[1])
        self.assertEqual(set(self.files()), {".fetch/a+b.c.tar.gz"})
        self.describe({**record, "sha256": sha256(lines.encode())})
        self.assertEqual(self.call("fetch")[0], 0)
        self.assertEqual(set(self.files()), {"p/0000_a_0.jpg", "p/0002_a_2.jpg"})


class ProjectsManifest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.manifest = fetch.Manifest()
        cls.paths = [record["path"] for record in cls.manifest.records]
        cls.texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
                     for folder, endings in (("docs", "md"), ("models", "md"),
                                             ("tests", "cc h py mjs"),
                                             ("benchmarks", "cc h py sh"), ("examples", "py md"))
                     for path in (ROOT / folder).rglob("*")
                     if path.suffix[1:] in endings.split() and HERE not in path.parents}
        cls.texts["tests/onnx/detectors.json"] = (ROOT / "tests/onnx/detectors.json").read_text(
            encoding="utf-8")

    def assert_known(self, name, where):
        """A file or a folder of the manifest."""
        name = name.rstrip("/.")
        self.assertTrue(any(path == name or path.startswith(name + "/") for path in self.paths),
                        f"{where} names {name}: tests/data/manifest.json has no such file")

    def test_it_is_well_formed(self):
        self.assertEqual(self.paths, list(dict.fromkeys(self.paths)))
        for repository in self.manifest.repositories.values():
            self.assertRegex(repository["commit"], "^[0-9a-f]{40}$")
            self.assertTrue(repository["licence"])
        for record in self.manifest.records:
            with self.subTest(record["path"]):
                kind = record["kind"]
                self.assertIn(kind, ("file", "archive", "pictures"))
                known = {"path", "kind", "bytes", "sha256", "used_by", "source", "licence"}
                known |= set() if kind == "file" else {"files"}
                known |= {"first", "every"} if kind == "pictures" else set()
                known |= {"repository", "at"} if "repository" in record else set()
                self.assertLessEqual(set(record), known)
                self.assertLessEqual(known - {"source", "licence"}, set(record))
                self.assertRegex(record["sha256"], "^[0-9a-f]{64}$")
                self.assertGreater(record["bytes"], 0)
                self.assertFalse(os.path.isabs(record["path"]) or ".." in record["path"].split("/"))
                if "repository" in record:
                    self.assertIn(record["repository"], self.manifest.repositories)
                self.assertTrue(self.manifest.licence(record) and self.manifest.source(record))

    def test_repositories_are_used(self):
        used = {record.get("repository") for record in self.manifest.records} - {None}
        self.assertEqual(used, set(self.manifest.repositories))

    def test_what_uses_a_file_is_there_and_names_it(self):
        """Documents may name it in other words, code does not."""
        for record in self.manifest.records:
            self.assertTrue(record["used_by"])
            for user in record["used_by"]:
                with self.subTest(record["path"], user=user):
                    self.assertIn(user, self.texts)
                    if not user.startswith("docs/"):
                        self.assertIn(os.path.basename(record["path"]), self.texts[user])

    def test_every_file_that_is_named_is_in_it(self):
        """Files by their whole path below the folder, as code and commands name them."""
        found = set()
        for file, text in self.texts.items():
            names = (re.findall(r'\bshared_data\("([^"]+)"', text) if file.endswith((".cc", ".h"))
                     else [])
            for call in re.findall(r'\bshared_data\.path\(((?:"[^"]+"(?:, )?)+)\)', text):
                names.append("/".join(re.findall('"([^"]+)"', call)))
            names += re.findall(r"(?:shared/data|\$\{?OCTET_SHARED_DATA\}?)/([\w./-]+)", text)
            if file == "tests/onnx/detectors.json":
                # The rest is base64.
                names, text = ["onnx/" + entry["name"] for entry in json.loads(text)], ""
            if file == "tests/accuracy/measure_calibration.py":
                names += ["onnx/" + name for name in re.findall(r'"([\w.-]+\.onnx)"', text)]
                names += ["tflite/" + name for name in re.findall(r'"([\w.-]+\.tflite)"', text)]
            names += ["cifar10/" + name for name in re.findall(r"[\w.-]+\.(?:tgz|th)\b", text)]
            names += ["blaze/" + name for name in re.findall(r"Blaze_\w+\.pth\b", text)]
            for name in names:
                self.assert_known(name.replace("MODEL.tflite", ""), file)
            found.update(names)
        self.assertGreaterEqual(found, {"cases/hostile/shared_names.octet", "cifar10/test.tgz",
                                        "imagenet/evaluate", "blaze/Blaze_Final_320.pth",
                                        "onnx/blaceface.onnx", "faces/evaluate"})

    def test_every_file_that_is_there_and_named_is_in_it(self):
        """Names that stand alone, as in tables: those of the files in the folder."""
        folder = pathlib.Path(shared_folder.shared_folder())
        files = [path.relative_to(folder).as_posix() for path in folder.rglob("*")
                 if path.is_file()]
        if not files:
            self.skipTest(f"no files in {folder} (OCTET_SHARED_DATA names the folder)")
        every_text = "\n".join(self.texts.values())
        for file in files:
            name = os.path.basename(file)
            stem = os.path.splitext(name)[0]
            named = ((stem if re.search("[a-z].*[0-9_-]", stem) and len(stem) >= 9 else name)
                     in every_text)
            if named and len(name) >= 9 and name != "README.md":
                self.assert_known(file if not file.startswith("imagenet")
                                  else os.path.dirname(file), "a text")

    def test_all_find_the_same_folder(self):
        """Python's and the command's; the C++ tests' header and make_golden.mjs read the same
        variable."""
        for value, wanted in (("", str(ROOT.parent / "shared" / "data")), ("/a/b", "/a/b")):
            with mock.patch.dict(os.environ, {"OCTET_SHARED_DATA": value}):
                self.assertEqual(shared_folder.shared_folder(), wanted)
                out = io.StringIO()
                with contextlib.redirect_stdout(out), self.assertRaises(SystemExit):
                    fetch.main(["--help"])
                self.assertIn(f"(default:{wanted})", "".join(out.getvalue().split()))
        for user in ("tests/shared_data.h", "tests/onnx/make_golden.mjs"):
            self.assertIn("OCTET_SHARED_DATA", self.texts[user])
        for file, text in self.texts.items():
            if (file.startswith("tests/")
                and file not in ("tests/shared_data.h", "tests/onnx/make_golden.mjs")):
                self.assertNotIn('"/../shared', text, f"{file}: use tests/shared_data.h")


if __name__ == "__main__":
    unittest.main()

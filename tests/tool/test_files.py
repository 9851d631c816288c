#!/usr/bin/env python3
"""Tests of where the command-line tool reads and writes: test_files.py PATH_OF_SIMDROP [name of a test ...]

Files, links, pipes, sockets, descriptors, permissions, signals. What only root can set up, and what a file system or a kernel lacks, is
skipped with the reason; what root's powers would hide runs as another user.

Seen to fail, each by the test in brackets: the tool's own files taken for the caller's, leading zeros, the file that is read or one pipe
or descriptor for two outputs not refused (descriptor_refusals); links to descriptors not followed, /proc/thread-self not known, a report
among the data (descriptor_names); another process's descriptor not written but replaced (descriptor_of_other_process); a descriptor read
from its beginning, or for two inputs (descriptor_inputs); text printed behind the data (descriptor_order); no wait, a busy one
(nonblocking); text or sentences left to stdio (nonblocking_text); the numbers of closed streams given to files (mount_point); the owner
not kept (replaced_owner); attributes not copied, the folder's access control list kept (replaced_attributes); set-ID bits carried over, the
group's permissions given to another group, the group alone not tried (replaced_by_other); temporary files that all may read, permissions
of a file that is removed meanwhile (replaced_is_private); no writing in place, nothing or too early truncated there
(closed_folder), EPERM or EBUSY for an error (sticky_folder, mount_point), other people's links followed (link_of_others), what could not be copied removed
(mount_point_that_is_full); a leftover in the way (leftovers); a name made from the target's (long_names); no handler for USR2, PWR or
real-time signals, ignored ones handled (signals); fsync of the file or the folder left out, EINVAL for an error (synchronised); the bar
among the output (progress); files written in place (concurrent), those with more than one link alone (hard_links); what a full disk
leaves not removed, its errors passed over (full_file_system); results opened after the measurement (full_disk).
"""
import errno
import itertools
import json
import os
import pty
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

import test_tool
from test_tool import BLOCK, ToolCase, main, run

MASK = ("mask", "--p", "0.5", "--count", "100", "--format", "hex")
BENCH = ("bench", "--n", "8", "--p", "0.5", "--short", "--kernel", "memcpy")
OTHER_USER, OTHER_GROUP = 54321, 54322  # that nobody has
ACL_NAME = "system.posix_acl_access"


def start(*arguments, **options):
    return subprocess.Popen([test_tool.TOOL, *map(str, arguments)], **options)


def acl(named_user_bits, group_bits, mask_bits, other_bits=0):
    """An access control list with an entry for one more user, as the kernel stores it."""
    entries = [(0x01, 6, -1), (0x02, named_user_bits, 1000), (0x04, group_bits, -1), (0x10, mask_bits, -1), (0x20, other_bits, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


def become_other():
    """For a child process: a user without powers, who is in one more group."""
    if os.geteuid() == 0:
        os.setgroups([OTHER_GROUP])
        os.setgid(OTHER_USER)
        os.setuid(OTHER_USER)


class FilesTest(ToolCase):
    def setUp(self):
        super().setUp()
        self.write_array("in.npy", n=5000)
        self.succeeds("apply", "in.npy", "expected.npy", "--p", "0.5", "--bits", "expected.bin")
        self.expected = self.read("expected.npy")
        self.expected_hex = self.succeeds(*MASK)

    def need_root(self):
        if os.geteuid() != 0:
            self.skipTest("only root can set this up")

    def as_other(self):
        """Options of run for a user whom permissions bind, and who may read what is here."""
        os.chmod(".", 0o777)
        if os.geteuid() == 0 and not self.runs_as_other():
            self.skipTest("no other user can reach the tool")
        return {"preexec_fn": become_other}

    def runs_as_other(self):
        try:
            return run("--version", preexec_fn=become_other).returncode == 0
        except (PermissionError, subprocess.SubprocessError):
            return False

    def in_mounts(self, script, *arguments):
        """Runs the tool where the shell script has mounted something."""
        self.need_root()
        if subprocess.run(["unshare", "-m", "sh", "-c", "mount --bind . ."], capture_output=True).returncode != 0:
            self.skipTest("nothing can be mounted here")
        return subprocess.run(["unshare", "-m", "sh", "-ec", script + '; exec "$0" "$@"', test_tool.TOOL, *map(str, arguments)],
                              capture_output=True, timeout=60)

    def need_attributes(self):
        self.write("attributes", b"")
        try:
            os.setxattr("attributes", "user.test", b"1")
            os.setxattr("attributes", ACL_NAME, acl(4, 4, 4))
        except OSError as problem:
            self.skipTest("no attributes here: %s" % problem)
        os.remove("attributes")

    def check_leftovers(self):
        self.assertEqual([name for name in os.listdir(".") if name.startswith(".simdrop")], [])

    # Descriptors that the caller opened

    def outputs_to(self, name, descriptor):
        """Each output option: what the descriptor has to receive, or None for what measures."""
        yield MASK + ("--output", name), self.expected_hex
        yield ("apply", "in.npy", name, "--p", "0.5"), self.expected
        yield ("apply", "in.npy", "y.npy", "--p", "0.5", "--bits", name), self.read("expected.bin")
        yield BENCH + ("--json", name), None
        yield BENCH + ("--csv", name), None
        verify = ("verify", "--test", "K9", "--backend", "scalar", "--json", name)
        if b"built without" not in run(*verify[:-1], "-").stderr:
            yield verify, None

    def check_output(self, arguments, expected, descriptor, received):
        done = run(*arguments, pass_fds=[descriptor])
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        got = received()
        if expected is not None:
            self.assertEqual(got, expected, arguments)
        elif "--csv" in arguments:
            self.assertEqual(got[:5], b"name,", arguments)
        else:
            self.assertIn("context", json.loads(got), arguments)
        self.check_leftovers()

    def test_descriptor_outputs(self):
        """From where the descriptor stands, and nothing is truncated, replaced or opened anew."""
        for mode, before in (("write", b"before"), ("append", b"before"), ("deleted", b"before")):
            flags = os.O_RDWR | os.O_CREAT | (os.O_APPEND if mode == "append" else 0)
            for arguments, expected in self.outputs_to("/dev/fd/77", 77):
                self.write("file", before + b"behind" * 10000 if mode == "write" else before)
                size, inode = os.stat("file").st_size, os.stat("file").st_ino
                opened = os.open("file", flags)
                os.dup2(opened, 77)
                os.close(opened)
                if mode == "write":
                    os.lseek(77, len(before), os.SEEK_SET)
                if mode == "deleted":
                    os.lseek(77, 0, os.SEEK_END)
                    os.remove("file")

                def received():
                    end = os.lseek(77, 0, os.SEEK_END if mode == "append" else os.SEEK_CUR)
                    self.assertEqual(os.pread(77, len(before), 0), before)
                    self.assertGreaterEqual(os.fstat(77).st_size, size)
                    return os.pread(77, end - len(before), len(before))

                self.check_output(arguments, expected, 77, received)
                self.assertEqual(os.path.exists("file"), mode != "deleted")
                if mode != "deleted":
                    self.assertEqual(os.stat("file").st_ino, inode)
                os.close(77)

    def test_descriptor_streams(self):
        for pair in (os.pipe, lambda: [end.detach() for end in socket.socketpair()]):
            for arguments, expected in self.outputs_to("/proc/self/fd/77", 77):
                reader, writer = pair()
                os.dup2(writer, 77)
                os.close(writer)

                def received():
                    os.close(77)
                    with open(reader, "rb") as file:
                        return file.read()

                self.check_output(arguments, expected, 77, received)

    def test_descriptor_names(self):
        os.symlink("/dev/fd/77", "link")
        os.symlink("link", "link_to_link")
        os.symlink("/proc/self/fd", "folder")
        os.symlink("/dev/stderr", "errors")
        for name in ("/dev/fd/77", "/proc/self/fd/77", "/dev//fd/./77", "/proc/thread-self/fd/77", "link", "link_to_link", "folder/77",
                     "/proc/self/task/../fd/77"):
            with open("file", "wb") as file:
                file.write(b"before")
                file.flush()
                os.dup2(file.fileno(), 77)
            self.check_output(MASK + ("--output", name), self.expected_hex, 77, lambda: self.read("file")[6:])
            os.close(77)
        for name in ("/dev/stderr", "/dev/fd/2", "errors"):
            with open("file", "ab") as file:
                file.truncate(0)
                file.write(b"before")
                file.flush()
                done = subprocess.run([test_tool.TOOL, *MASK, "--output", name], stdout=subprocess.PIPE, stderr=file)
            self.assertEqual((done.returncode, done.stdout, self.read("file")), (0, b"", b"before" + self.expected_hex))
            done = run("apply", "in.npy", "-", "--p", "0.5", "--bits", name)  # no place is left for the report
            self.assertEqual((done.stdout, done.stderr), (self.expected, self.read("expected.bin")))
        os.symlink("/dev/stdout", "output")
        for name in ("/dev/fd/1", "/proc/self/fd/1", "output"):
            done = run("apply", "in.npy", name, "--p", "0.5")
            self.assertEqual((done.stdout, done.stderr[:6]), (self.expected, b"apply "))
        folder = os.open(".", os.O_RDONLY)  # a file in a folder that is open
        self.succeeds(*MASK, "--output", "/dev/fd/%d/new" % folder, pass_fds=[folder])
        os.close(folder)
        self.assertEqual(self.read("new"), self.expected_hex)

    def test_descriptor_order(self):
        """What was printed before comes before, where both go to one place."""
        arguments = ("verify", "--test", "K9", "--backend", "scalar", "--json")
        if b"built without" in run(*arguments, "-").stderr:
            self.skipTest("the tool is built without verify")
        with open("file", "wb") as file:
            os.dup2(file.fileno(), 77)
            subprocess.run([test_tool.TOOL, *arguments, "/dev/fd/77"], stdout=file, pass_fds=[77], check=True)
            os.close(77)
        self.assertRegex(self.read("file").decode(), r"\A\nK9 [^{]*\nverify: ok[^{]*\n\{[^$]*\n\}\n\Z")

    def test_descriptor_of_other_process(self):
        with open("file", "w+b") as file:
            file.write(b"x" * 1000)
            file.flush()
            os.remove("file")
            self.succeeds(*MASK, "--output", "/proc/%d/fd/%d" % (os.getpid(), file.fileno()))
            self.assertEqual(os.pread(file.fileno(), 2000, 0), self.expected_hex)
        self.assertEqual([name for name in os.listdir(".") if "file" in name], [])

    def test_descriptor_refusals(self):
        reading, folder = os.open("expected.npy", os.O_RDONLY), os.open(".", os.O_RDONLY)
        appending = os.open("in.npy", os.O_RDWR | os.O_APPEND)
        writing, again = os.open("file", os.O_WRONLY | os.O_CREAT), os.open("file", os.O_WRONLY)
        names = {number: "/dev/fd/%d" % number for number in (reading, folder, appending, writing, again)}
        options = {"pass_fds": list(names)}
        apply = ("apply", "in.npy")
        for name, mentions in [("/dev/fd/90", "/dev/fd/90: it is closed"), (names[reading], "it is open for reading only"), (names[folder], "reading only"),
                               ("/dev/fd/090", "No such file"), (names[writing] + "/", "Not a directory"), ("/dev/fd/-1", "/dev/fd/-1"),
                               ("/dev/fd/99999999999999999999", "/dev/fd/99"), ("/dev/fd/", "directory"), ("/dev/fd", "directory")]:
            self.refused(*MASK, "--output", name, mentions=mentions, **options)
            self.refused(*apply, name, "--p", "0.5", mentions=mentions, **options)
            self.refused(*apply, "y.npy", "--bits", name, "--p", "0.5", mentions=mentions, **options)
        # Numbers that only the tool's own files have.
        for number in range(3, 9):
            self.refused(*apply, "/dev/fd/%d" % number, "--bits", "m.bin", "--p", "0.5", mentions="it is closed")
            self.refused("apply", "/dev/fd/%d" % number, "y.npy", "--bits", "m.bin", "--p", "0.5", mentions="it is closed")
        # The file that is read.
        self.refused(*apply, names[appending], "--p", "0.5", mentions="the file that is read", **options)
        self.refused(*apply, "y.npy", "--bits", names[appending], "--p", "0.5", mentions="are both in.npy", **options)
        self.refused("apply", "-", "/dev/fd/0", "--p", "0.5", mentions="the file that is read", stdin=appending)
        self.refused(*apply, "y.npy", "--p", "0.5", "--backward", "--bits", "expected.bin", "--tile", "x", mentions="--tile")
        # The same place twice.
        pipe_reader, pipe = os.pipe()
        pipe_again, null = os.dup(pipe), os.open("/dev/null", os.O_WRONLY)
        os.symlink(names[writing], "link")
        for one, other in [(names[writing], names[writing]), (names[writing], "/proc/self/fd/%d" % writing), (names[writing], "link"), (names[writing], names[again]),
                           (names[writing], "file"), ("/dev/stderr", "/dev/fd/2"), ("/dev/fd/%d" % pipe, "/dev/fd/%d" % pipe_again),
                           ("/dev/fd/%d" % null, "/dev/fd/%d" % null)]:
            both = {"pass_fds": [*names, pipe, pipe_again, null]}
            self.refused(*apply, one, "--bits", other, "--p", "0.5", mentions="--bits and OUT.npy are both", **both)
            self.refused(*BENCH, "--json", one, "--csv", other, mentions="--json and --csv are both", **both)
        for number in [*names, pipe_reader, pipe, pipe_again, null]:
            os.close(number)

    def test_descriptor_inputs(self):
        """Read from where they stand, whatever they are."""
        with open("both", "wb") as file:
            file.write(b"before" + self.read("in.npy"))
        with open("both", "rb", buffering=0) as file:
            for arguments in [("/dev/fd/%d" % file.fileno(), "y.npy"), ("/proc/self/fd/%d" % file.fileno(), "y.npy")]:
                file.seek(6)
                self.succeeds("apply", *arguments, "--p", "0.5", pass_fds=[file.fileno()])
                self.assertEqual(self.read("y.npy"), self.expected)
            file.seek(6)
            os.remove("both")
            done = run("apply", "/dev/fd/0", "y.npy", "--p", "0.5", stdin=file)
            self.assertEqual((done.returncode, self.read("y.npy")), (0, self.expected))
        ours, theirs = socket.socketpair()
        child = start("apply", "/dev/fd/%d" % theirs.fileno(), "y.npy", "--p", "0.5", stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        ours.sendall(self.read("in.npy"))
        ours.close()
        self.assertEqual((child.wait(timeout=20), self.read("y.npy")), (0, self.expected))
        with open("file", "wb") as file, open("expected.bin", "rb") as bits:
            self.refused("apply", "/dev/fd/%d" % file.fileno(), "x.npy", "--p", "0.5", mentions="open for writing only", pass_fds=[file.fileno()])
            name = "/dev/fd/%d" % bits.fileno()
            self.refused("apply", name, "x.npy", "--p", "0.5", "--backward", "--bits", name, mentions="are both", pass_fds=[bits.fileno()])
            self.succeeds("apply", "in.npy", "x.npy", "--p", "0.5", "--backward", "--bits", name, pass_fds=[bits.fileno()])
        self.assertEqual(self.read("x.npy"), self.expected)
        self.refused("apply", "/dev/fd/90", "x.npy", "--p", "0.5", mentions="/dev/fd/90: it is closed")

    # Descriptors that do not wait

    def stream_pairs(self):
        """(where the test reads or writes, where the tool does): pipes and sockets, the tool's end non-blocking."""
        for tool_reads in (False, True):
            reader, writer = os.pipe()
            yield (writer, reader, tool_reads) if tool_reads else (reader, writer, tool_reads)
            ours, theirs = (end.detach() for end in socket.socketpair())
            yield ours, theirs, tool_reads

    def check_waiting(self, child):
        """That the process comes to sleep, and then sleeps on."""
        def state():
            with open("/proc/%d/stat" % child.pid) as file:
                return file.read().rpartition(")")[2].split()[0]

        limit = time.monotonic() + 20
        while state() != "S" and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(0.2)  # it may have slept for another reason first
        states = []
        for _ in range(20):
            states.append(state())
            time.sleep(0.01)
        self.assertEqual(set(states), {"S"})

    def test_nonblocking(self):
        self.write_array("in.npy", n=300000)
        source = self.read("in.npy")
        self.succeeds("apply", "in.npy", "whole.npy", "--p", "0.5")
        whole = self.read("whole.npy")
        for ours, theirs, tool_reads in self.stream_pairs():
            os.set_blocking(theirs, False)
            names = ["/dev/fd/%d" % theirs, "y.npy"] if tool_reads else ["in.npy", "/dev/fd/%d" % theirs]
            child = start("apply", *names, "--p", "0.5", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[theirs])
            os.close(theirs)
            self.check_waiting(child)
            if tool_reads:
                for at in range(0, len(source), 100000):
                    os.write(ours, source[at:at + 100000])
                    time.sleep(0.01)
                os.close(ours)
            else:
                with open(ours, "rb") as file:
                    self.assertEqual(file.read(), whole)
            self.assertEqual((child.wait(timeout=20), child.stderr.read()), (0, b""))
            child.stderr.close()
            if tool_reads:
                self.assertEqual(self.read("y.npy"), whole)

    def check_slow_text(self, arguments, stream, expected, status=0):
        """The tool's text into a pipe, then a socket, that is full at first and never waits."""
        for ours, theirs, tool_reads in self.stream_pairs():
            if tool_reads:
                os.close(ours)
                os.close(theirs)
                continue
            os.set_blocking(theirs, False)
            filled = 0
            try:
                while True:
                    filled += os.write(theirs, b"x" * 100)
            except BlockingIOError:
                pass
            others = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: theirs}
            child = start(*arguments, **others)
            os.close(theirs)
            time.sleep(0.2)
            with open(ours, "rb") as file:
                text = file.read()
            self.assertEqual(child.wait(timeout=20), status)
            self.assertRegex(text[filled:].decode(), expected)

    def test_nonblocking_text(self):
        self.check_slow_text(["--help"], "stdout", r"\A" + run("--help").stdout.decode()[:40] + r"[^$]*found a fault\.\n\Z")
        self.check_slow_text(["info", "--json"], "stdout", r"\A\{[^$]*\n\}\n\Z")
        self.check_slow_text(BENCH, "stdout", r"\Asimdrop [^$]*\n  memcpy [^\n]*\n  copying [^\n]*\)\n\Z")
        self.check_slow_text(["apply", "in.npy", "y.npy", "--p", "0.5"], "stdout", r"\Aapply [^$]*the sums above\n\Z")
        self.check_slow_text(["apply", "in.npy", "-", "--p", "0.5"], "stderr", r"\Aapply [^$]*the sums above\n\Z")
        self.check_slow_text(["nonsense"], "stderr", r"\Asimdrop: there is no command 'nonsense'[^\n]*\n\Z", status=2)

    # Standard streams that are closed

    def test_closed_streams(self):
        def without(*numbers):
            def close():
                for number in numbers:
                    os.close(number)
            return {"preexec_fn": close}

        for arguments in [("info",), ("--help",), ("--version",), MASK, ("apply", "in.npy", "-", "--p", "0.5"), MASK + ("--output", "/dev/stdout"), BENCH + ("--json", "-")]:
            self.refused(*arguments, mentions="cannot write standard output: it is closed", **without(1))
            self.refused(*arguments, mentions="cannot write standard output: it is closed", **without(0, 1))
        for arguments in [("apply", "-", "y.npy", "--p", "0.5"), ("apply", "/dev/stdin", "y.npy", "--p", "0.5"),
                          ("apply", "in.npy", "y.npy", "--p", "0.5", "--backward", "--bits", "-")]:
            self.refused(*arguments, mentions="cannot read standard input: it is closed", **without(0))
        with open("in.npy", "rb") as file:
            done = subprocess.run([test_tool.TOOL, "info"], stdout=file, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (2, b"simdrop: cannot write standard output: it is open for reading only\n"))
        self.succeeds(*MASK, "--output", "m.bin", **without(1))  # prints nothing
        # No file gets the number of one of them, where text or data for it would end up.
        for count in (1, 2, 3):
            for closed in itertools.combinations((0, 1, 2), count):
                done = run("apply", "in.npy", "y.npy", "--p", "0.5", "--bits", "y.bin", **without(*closed))
                self.assertEqual((done.returncode, done.stderr), (2 if 1 in closed else 0, done.stderr if 1 in closed else b""), closed)
                self.assertEqual((self.read("y.npy"), self.read("y.bin")), (self.expected, self.read("expected.bin")), closed)
                done = run("apply", "nothing.npy", "y.npy", "--p", "0.5", **without(*closed))
                self.assertEqual(done.returncode, 2)
        self.assertEqual(self.read("y.npy"), self.expected)

    # What a replaced file keeps

    def attributes(self, name):
        file = os.stat(name)
        return stat.S_IMODE(file.st_mode), file.st_uid, file.st_gid, {key: os.getxattr(name, key) for key in os.listxattr(name) if key != "security.selinux"}

    def test_replaced_owner(self):
        self.need_root()
        for mode in (0o600, 0o4751, 0o2775, 0o666):
            self.write("y.npy", b"old")
            os.chown("y.npy", OTHER_USER, OTHER_GROUP)
            os.chmod("y.npy", mode)
            before = self.attributes("y.npy")
            self.succeeds("apply", "in.npy", "y.npy", "--p", "0.5")
            self.assertEqual((self.attributes("y.npy"), self.read("y.npy")), (before, self.expected))

    def test_replaced_attributes(self):
        self.need_attributes()
        self.write("y.npy", b"old")
        os.setxattr("y.npy", "user.origin", b"a\0b" * 300)
        os.setxattr("y.npy", "user.empty", b"")
        os.setxattr("y.npy", ACL_NAME, acl(6, 0, 6))
        before = self.attributes("y.npy")
        self.assertEqual(before[0], 0o660)
        self.succeeds("apply", "in.npy", "y.npy", "--p", "0.5")
        self.assertEqual((self.attributes("y.npy"), self.read("y.npy")), (before, self.expected))
        # The list that a folder gives to its new files is not for a file that had none.
        os.mkdir("folder")
        self.write("folder/y.npy", b"old")
        os.chmod("folder/y.npy", 0o604)
        os.setxattr("folder", "system.posix_acl_default", acl(6, 6, 6))
        before = self.attributes("folder/y.npy")
        self.succeeds("apply", "in.npy", "folder/y.npy", "--p", "0.5")
        self.assertEqual(self.attributes("folder/y.npy"), before)
        self.succeeds("apply", "in.npy", "folder/new.npy", "--p", "0.5")
        self.assertIn(ACL_NAME, os.listxattr("folder/new.npy"))

    def test_replaced_by_other(self):
        """What this user may not keep opens the file for nobody else."""
        self.need_root()
        options = self.as_other()
        for mode, group, expected_mode, expected_group in [
            (0o666, OTHER_GROUP, 0o666, OTHER_GROUP), (0o4666, OTHER_GROUP, 0o666, OTHER_GROUP), (0o2676, OTHER_GROUP, 0o2676, OTHER_GROUP),
            (0o666, 0, 0o666, OTHER_USER), (0o2676, 0, 0o666, OTHER_USER), (0o662, 0, 0o622, OTHER_USER),
        ]:
            self.write("y.npy", b"old")
            os.chown("y.npy", 0, group)
            os.chmod("y.npy", mode)
            self.succeeds("apply", "in.npy", "y.npy", "--p", "0.5", **options)
            file = os.stat("y.npy")
            self.assertEqual((oct(file.st_mode & 0o7777), file.st_uid, file.st_gid), (oct(expected_mode), OTHER_USER, expected_group), oct(mode))
            self.assertEqual(self.read("y.npy"), self.expected)
        self.write("y.npy", b"old")
        os.chown("y.npy", OTHER_USER, OTHER_GROUP)
        os.chmod("y.npy", 0o6775)
        self.succeeds("apply", "in.npy", "y.npy", "--p", "0.5", **options)
        self.assertEqual(self.attributes("y.npy")[:3], (0o6775, OTHER_USER, OTHER_GROUP))

    def test_replaced_is_private(self):
        """Nobody may open the new content of a private file before it has that file's permissions."""
        self.write("y.npy", b"old")
        os.chmod("y.npy", 0o600)
        os.mkfifo("pipe")
        child = start("apply", "pipe", "y.npy", "--p", "0.5", stdout=subprocess.DEVNULL)
        with open("pipe", "wb") as pipe:
            pipe.write(self.read("in.npy")[:1000])
            pipe.flush()
            limit = time.monotonic() + 20
            while not any(name.startswith(".simdrop") for name in os.listdir(".")) and time.monotonic() < limit:
                time.sleep(0.01)
            name, = (name for name in os.listdir(".") if name.startswith(".simdrop"))
            self.assertEqual(stat.S_IMODE(os.stat(name).st_mode), 0o600)
            os.remove("y.npy")  # what was there when it began counts
            pipe.write(self.read("in.npy")[1000:])
        self.assertEqual((child.wait(timeout=20), self.read("y.npy"), self.attributes("y.npy")[0]), (0, self.expected, 0o600))

    def test_hard_links(self):
        """A replaced name has a file of its own: others keep the old one."""
        self.write("y.npy", b"old")
        os.link("y.npy", "other")
        self.succeeds("apply", "in.npy", "y.npy", "--p", "0.5")
        self.assertEqual((self.read("y.npy"), self.read("other")), (self.expected, b"old"))

    # Files that can be written, but not replaced

    def check_in_place(self, done, name, inode):
        self.assertRegex(done.stderr.decode(), r"\Asimdrop: %s is written in place, as it cannot be replaced \([^\n]*\)\n\Z" % name)
        self.assertEqual((done.returncode, self.read(name), os.stat(name).st_ino), (0, self.expected, inode))
        self.check_leftovers()

    def closed_folder(self, name):
        os.mkdir("closed")
        self.write("closed/" + name, b"old" * 100000)
        os.chmod("closed/" + name, 0o666)
        os.chmod("closed", 0o555)
        self.addCleanup(os.chmod, os.path.abspath("closed"), 0o755)
        return "closed/" + name

    def test_closed_folder(self):
        options = self.as_other()
        name = self.closed_folder("y.npy")
        inode = os.stat(name).st_ino
        self.check_in_place(run("apply", "in.npy", name, "--p", "0.5", **options), name, inode)
        done = run(*MASK, "--output", name, **options)
        self.assertEqual((done.returncode, self.read(name)), (0, self.expected_hex))
        done = run(*MASK[:-1], "bits", "--count", "0", "--output", name, **options)
        self.assertEqual((done.returncode, self.read(name)), (0, b""))
        self.refused(*MASK, "--output", "closed/new", mentions="Permission denied", **options)
        # Nothing is lost where it can be told beforehand.
        self.write(name, self.read("in.npy"))
        self.refused("apply", name, name, "--p", "0.5", mentions="the file that is read", **options)
        self.refused("apply", "in.npy", "closed/new", "--p", "0.5", "--bits", name, mentions="closed/new", **options)
        self.assertEqual(self.read(name), self.read("in.npy"))

    def test_sticky_folder(self):
        self.need_root()
        options = self.as_other()
        os.mkdir("sticky")
        os.chmod("sticky", 0o1777)
        self.write("sticky/y.npy", b"old" * 10)
        os.chmod("sticky/y.npy", 0o646)
        os.chown("sticky/y.npy", 1, 1)
        inode = os.stat("sticky/y.npy").st_ino
        self.check_in_place(run("apply", "in.npy", "sticky/y.npy", "--p", "0.5", **options), "sticky/y.npy", inode)
        self.assertEqual((os.listdir("sticky"), self.attributes("sticky/y.npy")[:3]), (["y.npy"], (0o646, 1, 1)))

    def test_link_of_others(self):
        self.need_root()
        os.mkdir("sticky")
        os.chmod("sticky", 0o1777)
        self.write("y.npy", b"old")
        os.mkfifo("fifo")
        for target in ("../y.npy", "../new", "../fifo", "mine"):
            os.symlink(target, "sticky/link")
            os.chown("sticky/link", OTHER_USER, OTHER_GROUP, follow_symlinks=False)
            if not os.path.lexists("sticky/mine"):
                os.symlink("sticky/link", "through")
                os.symlink("../y.npy", "sticky/mine")
            for name in ("sticky/link", "through"):
                self.refused("apply", "in.npy", name, "--p", "0.5", mentions="%s: Permission denied" % name)
                self.refused(*MASK, "--output", name, mentions="%s: Permission denied" % name)
            os.remove("sticky/link")
        self.assertEqual((self.read("y.npy"), os.path.lexists("new")), (b"old", False))
        self.succeeds("apply", "in.npy", "sticky/mine", "--p", "0.5")
        self.assertEqual(self.read("y.npy"), self.expected)

    def test_mount_point(self):
        self.write("y.npy", b"old" * 100000)
        self.write("under", b"")
        inode = os.stat("y.npy").st_ino
        done = self.in_mounts("mount --bind y.npy under", "apply", "in.npy", "under", "--p", "0.5")
        self.assertRegex(done.stderr.decode(), r"\Asimdrop: under is written in place[^\n]*\n\Z")
        self.assertEqual((done.returncode, self.read("y.npy"), self.read("under"), os.stat("y.npy").st_ino), (0, self.expected, b"", inode))
        shutil.copy("in.npy", "y.npy")  # all of it has been read by then
        done = self.in_mounts("mount --bind y.npy under", "apply", "under", "under", "--p", "0.5")
        self.assertEqual((done.returncode, self.read("y.npy")), (0, self.expected))
        # The note, without a standard error, must not end up in the file that would have its number.
        done = self.in_mounts("mount --bind y.npy under; exec <&- 2>&-", "apply", "in.npy", "under", "--p", "0.5", "--bits", "m.bin")
        self.assertEqual((done.returncode, self.read("m.bin")), (0, self.read("expected.bin")))
        self.assertEqual(self.read("y.npy"), self.expected)
        self.check_leftovers()

    def test_mount_point_that_is_full(self):
        """The copy fails, and what was to be copied is kept."""
        self.write("under", b"")
        done = self.in_mounts("mkdir small; mount -t tmpfs -o size=8k none small; echo old > small/y; mount --bind small/y under",
                              "apply", "in.npy", "under", "--p", "0.5")
        told = done.stderr.decode().splitlines()
        self.assertEqual((done.returncode, len(told)), (2, 2))
        self.assertRegex(told[1], r"\Asimdrop: cannot write under: No space left on device; all of it is in \.simdrop-\d+-0\.tmp\Z")
        self.assertEqual(self.read(told[1].split()[-1]), self.expected)

    def test_full_file_system(self):
        done = self.in_mounts("mkdir small; mount -t tmpfs -o size=8k none small; echo old > small/y; exec 3<small",
                              "apply", "in.npy", "small/y", "--p", "0.5")
        self.assertEqual((done.returncode, done.stderr), (2, b"simdrop: cannot write small/y: No space left on device\n"))
        done = self.in_mounts("mkdir -p small; mount -t tmpfs -o size=8k none small; echo old > small/y; \"$0\" apply in.npy small/y --p 0.5 2>/dev/null || "
                              "test \"$(ls -A small; cat small/y)\" = \"$(printf 'y\\nold')\"", "--version")
        self.assertEqual((done.returncode, done.stdout[:7]), (0, b"simdrop"))

    # Until it is on the disk

    def preload(self):
        compiler = shutil.which("cc")
        with open(test_tool.TOOL, "rb") as file:
            native = file.read(4) == b"\x7fELF"
        if compiler is None or not native:
            self.skipTest("needs a C compiler and the tool as a program of this machine")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "preload_fsync.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", "preload.so", source, "-ldl"], check=True)
        return os.path.abspath("preload.so")

    def test_synchronised(self):
        """The file before it is renamed, its folder afterwards; what no disk can do is no error."""
        library = self.preload()

        def calls(arguments, status=0, **settings):
            reader, writer = os.pipe()
            done = run(*arguments, pass_fds=[writer], env=dict(os.environ, LD_PRELOAD=library, LOG_DESCRIPTOR=str(writer), **settings))
            os.close(writer)
            with open(reader) as file:
                log = file.read().split("\n")[:-1]
            self.assertEqual(done.returncode, status, done.stderr)
            return log, done.stderr.decode()

        whole = ["fsync file", "rename", "fsync folder"]
        self.assertEqual(calls(("apply", "in.npy", "y.npy", "--p", "0.5")), (whole, ""))
        self.assertEqual(calls(("apply", "in.npy", "y.npy", "--p", "0.5", "--bits", "m.bin")), (whole * 2, ""))
        self.assertEqual(calls((*MASK, "--output", "-")), ([], ""))
        for number in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):
            self.assertEqual(calls((*MASK, "--output", "m.hex"), FSYNC_FILE=str(number), FSYNC_FOLDER=str(number)), (whole, ""))
        os.remove("m.hex")
        log, told = calls((*MASK, "--output", "m.hex"), 2, FSYNC_FILE=str(errno.EIO))
        self.assertEqual((log, told, os.path.exists("m.hex")), (["fsync file"], "simdrop: cannot write m.hex: Input/output error\n", False))
        log, told = calls((*MASK, "--output", "m.hex"), 2, FSYNC_FOLDER=str(errno.EIO))
        self.assertEqual((log, told, self.read("m.hex")), (whole, "simdrop: cannot write m.hex: Input/output error\n", self.expected_hex))
        self.check_leftovers()

    # Signals

    def interrupted(self, number, **options):
        """The exit status of an apply that gets a signal when its temporary files are there, and then the rest of its input."""
        child = start("apply", "pipe", "out.npy", "--p", "0.5", "--bits", "m.bin", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        with open("pipe", "wb") as pipe:
            pipe.write(self.whole[: BLOCK + 1000])
            pipe.flush()
            limit = time.monotonic() + 20
            while len(os.listdir(".")) < self.names + 2 and time.monotonic() < limit:
                time.sleep(0.002)
            self.assertEqual(len(os.listdir(".")), self.names + 2)  # the two temporary files are there
            child.send_signal(number)
            try:
                pipe.write(self.whole[BLOCK + 1000:])
            except BrokenPipeError:
                pass
        child.stderr.close()
        return child.wait(timeout=20)

    def test_signals(self):
        """Every signal that ends a process removes the temporary files first, and is what the parent sees."""
        self.write_array("whole.npy", n=3 * BLOCK // 4)
        self.whole = self.read("whole.npy")
        os.mkfifo("pipe")
        self.names = len(os.listdir("."))
        before = sorted(os.listdir("."))
        not_ending = {signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG,
                      signal.SIGWINCH, signal.SIGPIPE, signal.SIGXFSZ}  # the last two are ignored
        faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}  # a sanitizer has its own ways with them

        def without_core():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for number in (signal.SIGXFSZ, signal.SIGPIPE):  # Python ignores them
                signal.signal(number, signal.SIG_DFL)

        for number in sorted(signal.valid_signals() - not_ending - faults):
            if signal.SIGRTMIN + 1 < number < signal.SIGRTMAX:
                continue
            self.assertEqual(self.interrupted(number, preexec_fn=without_core), -number)
            self.assertEqual(sorted(os.listdir(".")), before, number)
        # What was ignored stays so.
        self.assertEqual(self.interrupted(signal.SIGUSR1, preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN)), 0)
        self.assertEqual(set(os.listdir(".")), {*before, "out.npy", "m.bin"})

    def test_leftovers(self):
        """Files of a process that was killed, with this one's number, are in nobody's way."""
        def leave():
            for i in range(3):
                with open(".simdrop-%d-%d.tmp" % (os.getpid(), i), "w") as file:
                    file.write("left")

        self.succeeds("apply", "in.npy", "y.npy", "--p", "0.5", preexec_fn=leave)
        self.assertEqual(self.read("y.npy"), self.expected)
        self.assertEqual([self.read(name) for name in os.listdir(".") if name.startswith(".simdrop")], [b"left"] * 3)

    def test_concurrent(self):
        """Many at once onto one name: one of them wins, whole."""
        expected = {seed: self.succeeds("mask", "--p", "0.5", "--count", "1Mi", "--seed", seed) for seed in range(8)}
        self.write("m.bin", expected[0])
        children = [start("mask", "--p", "0.5", "--count", "1Mi", "--seed", seed, "--output", "m.bin") for seed in range(8)]
        while any(child.poll() is None for child in children):
            self.assertIn(self.read("m.bin"), expected.values())
        self.assertEqual({child.wait(timeout=60) for child in children}, {0})
        self.assertIn(self.read("m.bin"), expected.values())
        self.check_leftovers()

    def test_long_names(self):
        name = "n" * 255
        self.succeeds("apply", "in.npy", name, "--p", "0.5")
        self.assertEqual(self.read(name), self.expected)
        self.refused("apply", "in.npy", name + "n", "--p", "0.5", mentions="too long")
        # A sentence has room for the reason behind any name.
        self.refused(*MASK, "--output", "d/" * 2000 + "y", mentions="No such file or directory")

    # Where output goes

    def test_full_disk(self):
        self.write_array("in.npy", n=300000)
        for arguments in [("mask", "--p", "0.5", "--count", "99"), ("info",), ("--help",), ("apply", "in.npy", "-", "--p", "0.5")]:
            with open("/dev/full", "wb") as full:
                done = subprocess.run([test_tool.TOOL, *arguments], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertRegex(done.stderr.decode(), r"\Asimdrop: [^\n]*No space left[^\n]*\n\Z", arguments)
        self.refused("mask", "--p", "0.5", "--count", "99", "--output", "/dev/full", mentions="No space left")
        self.refused("apply", "in.npy", "/dev/full", "--p", "0.5", "--bits", "m.bin", mentions="No space left")
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "/dev/full", mentions="No space left")
        self.refused("bench", "--n", "8", "--p", "0.5", "--short", "--kernel", "memcpy", "--json", "/dev/full", mentions="No space left", prints=True)
        self.refused("bench", "--n", "8", "--p", "0.5", "--short", "--kernel", "memcpy", "--csv", "/dev/full", mentions="No space left", prints=True)
        self.refused("bench", "--n", "8", "--p", "0.5", "--short", "--kernel", "memcpy", "--json", "y.json", "--csv", "no/folder", mentions="no/folder")

        def limit_file_size():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

        self.write("old.npy", b"old")
        self.refused("apply", "in.npy", "old.npy", "--p", "0.5", mentions="too large", preexec_fn=limit_file_size)
        self.refused("mask", "--p", "0.5", "--count", "1Mi", "--output", "m.bin", mentions="too large", preexec_fn=limit_file_size)
        self.assertEqual(self.read("old.npy"), b"old")

    def test_closed_pipe(self):
        self.write_array("in.npy", n=300000)
        for arguments in [("mask", "--p", "0.5", "--count", "1Ti"), ("apply", "in.npy", "-", "--p", "0.5")]:
            child = subprocess.Popen([test_tool.TOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(len(child.stdout.read(10)), 10)
            child.stdout.close()
            told = child.stderr.read()
            child.stderr.close()
            self.assertEqual((child.wait(timeout=20), told), (0, b""), arguments)
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([test_tool.TOOL, "apply", "in.npy", "out.npy", "--p", "0.5"], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr, os.path.exists("out.npy")), (0, b"", True))

    def test_same_file(self):
        self.write_array("in.npy", n=2 * BLOCK // 4 + 5)
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5")
        shutil.copy("in.npy", "same.npy")
        self.succeeds("apply", "same.npy", "same.npy", "--p", "0.5")
        self.assertEqual(self.read("same.npy"), self.read("out.npy"))
        os.mkdir("folder")
        shutil.copy("in.npy", "folder/real.npy")
        os.symlink("folder/real.npy", "link.npy")
        os.symlink("folder/new.npy", "dangling.npy")
        self.succeeds("apply", "link.npy", "link.npy", "--p", "0.5")
        self.succeeds("apply", "in.npy", "dangling.npy", "--p", "0.5")
        for link in ("link.npy", "dangling.npy"):
            self.assertTrue(os.path.islink(link))
            self.assertEqual(self.read(link), self.read("out.npy"))
        self.assertEqual(sorted(os.listdir("folder")), ["new.npy", "real.npy"])

    def test_permissions(self):
        self.write_array("in.npy")
        before = os.umask(0o027)
        self.addCleanup(os.umask, before)
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "m.bin")
        for name in ("out.npy", "m.bin"):
            self.assertEqual(stat.S_IMODE(os.stat(name).st_mode), 0o640, name)
        os.chmod("out.npy", 0o604)
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5")
        self.assertEqual(stat.S_IMODE(os.stat("out.npy").st_mode), 0o604)  # what is replaced keeps its own

    def test_pipes_and_devices(self):
        self.write_array("in.npy", n=5000)
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "m.bin")
        piped = run("apply", "-", "-", "--p", "0.5", input=self.read("in.npy"))
        self.assertEqual((piped.returncode, piped.stdout), (0, self.read("out.npy")))
        self.assertIn(b"kept", piped.stderr)
        try:  # a null device of our own: a fault here must not replace the machine's
            os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            pass
        else:
            self.succeeds("apply", "in.npy", "null", "--p", "0.5")
            self.assertTrue(stat.S_ISCHR(os.stat("null").st_mode))
        with open("in.npy", "rb") as file:
            redirected = run("apply", "/dev/stdin", "again.npy", "--p", "0.5", stdin=file)
        self.assertEqual((redirected.returncode, self.read("again.npy")), (0, self.read("out.npy")))
        with open("redirected.npy", "wb") as file:
            subprocess.run([test_tool.TOOL, "apply", "in.npy", "/dev/stdout", "--p", "0.5"], stdout=file, stderr=subprocess.PIPE, check=True)
        self.assertEqual(self.read("redirected.npy"), self.read("out.npy"))
        os.mkfifo("pipe")
        child = subprocess.Popen([test_tool.TOOL, "apply", "in.npy", "pipe", "--p", "0.5"], stdout=subprocess.DEVNULL)
        self.assertEqual(self.read("pipe"), self.read("out.npy"))
        self.assertEqual((child.wait(timeout=20), stat.S_ISFIFO(os.stat("pipe").st_mode)), (0, True))
        reader, writer = os.pipe()  # as the shell's >(command) does
        child = subprocess.Popen([test_tool.TOOL, "apply", "in.npy", "/dev/fd/%d" % writer, "--p", "0.5"], stdout=subprocess.DEVNULL, pass_fds=[writer])
        os.close(writer)
        with open(reader, "rb") as file:
            self.assertEqual(file.read(), self.read("out.npy"))
        self.assertEqual(child.wait(timeout=20), 0)

    def test_progress(self):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([test_tool.TOOL, "mask", "--p", "0.3", "--count", "100Ti"], stdout=subprocess.DEVNULL, stderr=theirs)
        started, shown = time.monotonic(), b""
        while b"%" not in shown and time.monotonic() < started + 20:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 1000)
        elapsed = time.monotonic() - started
        child.terminate()
        child.wait()
        self.assertRegex(shown.decode(), r"mask \[\.{40}\] +0 %, \d+ s left")
        self.assertGreater(elapsed, 0.9)
        # Not among what is written to the same terminal.
        child = start("mask", "--p", "0.3", "--count", "100Ti", "--format", "hex", "--output", "/dev/stderr", stderr=theirs)
        started, shown = time.monotonic(), b""
        while time.monotonic() < started + 1.5:
            shown += os.read(ours, 100000)
        child.terminate()
        child.wait()
        self.assertRegex(shown.decode(), r"\A[0-9a-f]+\Z")
        while select.select([ours], [], [], 0.1)[0]:
            os.read(ours, 100000)
        quick = subprocess.run([test_tool.TOOL, "mask", "--p", "0.3", "--count", "8"], stdout=subprocess.DEVNULL, stderr=theirs)
        self.assertEqual((quick.returncode, select.select([ours], [], [], 0.1)[0]), (0, []))
        raw = subprocess.run([test_tool.TOOL, "mask", "--p", "0.3", "--count", "8"], stdout=theirs, stderr=subprocess.PIPE)
        self.assertEqual(raw.returncode, 2)  # raw bytes to a terminal
        self.assertIn(b"terminal", raw.stderr)
        os.close(ours)
        os.close(theirs)


if __name__ == "__main__":
    main(FilesTest)

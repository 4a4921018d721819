"""What every workload uses: programs that end with it, patience, and checks that say what broke."""

import atexit
import http.server as _http
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PATIENCE = int(os.environ.get("SURVEY_PATIENCE", "25"))
BUILT = os.environ.get("SURVEY_BUILT", "")
_started = []


def need(*programs):
    """Leaves the workload out, aloud, where a program is missing."""
    for program in programs:
        if not shutil.which(program):
            print(f"{program} is not installed")
            sys.exit(77)


def python_with(module):
    """An interpreter that has the module."""
    for python in (sys.executable, "/usr/bin/python3"):
        came = subprocess.run([python, "-c", f"import {module}"], capture_output=True)
        if came.returncode == 0:
            return python
    print(f"Python's {module} is not installed")
    sys.exit(77)


def sample(name):
    """A sample that scripts/survey has built."""
    path = os.path.join(BUILT, name)
    if not os.path.exists(path):
        print(f"the sample {name} was not built: its library is not installed")
        sys.exit(77)
    return path


def place():
    """A directory of this workload's own."""
    path = tempfile.mkdtemp(prefix="survey-")
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path, True)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(*command, **options):
    options.setdefault("stdout", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.DEVNULL)
    process = subprocess.Popen(command, start_new_session=True, **options)
    _started.append(process)
    return process


def _odd(kind, error, trace):
    print(f"broke: {kind.__name__}: {error}".replace("\n", " "), flush=True)


sys.excepthook = _odd


@atexit.register
def _end():
    for process in _started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def run(*command, ok=(0,), **options):
    name = os.path.basename(command[0])
    try:
        came = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE * 2, stdin=subprocess.DEVNULL, **options
        )
    except subprocess.TimeoutExpired:
        check(False, f"{name} does not come to an end")
    check(came.returncode in ok, f"{name} ends with {came.returncode}: {(came.stdout + came.stderr).strip()[-200:]}")
    return came.stdout


def until(what, fn, seconds=PATIENCE):
    """Asks until the answer is true; nobody else decides when that is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            answer = fn()
        except (OSError, subprocess.SubprocessError):
            answer = None
        if answer:
            return answer
        time.sleep(0.05)
    return check(False, what)


def serve():
    """A web server of this process's own; says its port."""
    server = _http.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class _Answer(_http.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"well")

    def log_message(self, *words):
        pass


def http(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def check(is_so, what):
    if not is_so:
        print(f"broke: {what}", flush=True)
        sys.exit(1)
    return is_so


def ends(process, what):
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return check(False, what)

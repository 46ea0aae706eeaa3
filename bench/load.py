"""bench/numbered.py at work on a cluster, in a process of its own."""
import json
import signal
import subprocess
import sys
import time

from region import ROOT


class Load:
    def __init__(self, kubeconfig, writers, readers, watchers=0, listed=0):
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "bench" / "numbered.py", "--kubeconfig", kubeconfig, "--writers", str(writers), "--readers",
             str(readers), "--watchers", str(watchers), "--listed", str(listed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()

    def mark(self):
        """What is measured begins now. Its time by the clock."""
        self.process.send_signal(signal.SIGUSR1)
        return time.time()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, errors = self.process.communicate(timeout=600)
        if not out:
            raise SystemExit(f"the load ended without a word: {errors}")
        return json.loads(out)

    def abandon(self):
        """After a failure elsewhere: nothing is asked of it any more."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

"""The components of one data directory, started one by one instead of by `connectors run`, so that a test may kill and restart each at once."""

from harness.installation import Embedded, read_json
from harness.kube import Api
from harness.process import BIN, Process, free_port, run


class ApiServer:
    """The embedded API server on a fixed port."""

    def __init__(self, directory, data=None, *flags):
        self.dir, self.data, self.flags, self.port = directory, data or directory / "data", flags, free_port()
        self.process, self.starts = None, 0
        self.address = directory / "address.json"

    @property
    def kubeconfig(self):
        return self.data / "kubeconfig"

    def start(self):
        """Starts it and does not wait."""
        self.address.unlink(missing_ok=True)
        self.starts += 1
        self.process = Process("apiserver", [BIN, "apiserver", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}",
                                             "--address-file", self.address, *self.flags], self.dir / "apiserver.log")

    def up(self):
        """Starts it and returns a client when it is ready."""
        self.start()
        self.process.wait_ready(self.address.exists, "address file")
        return Api(self.kubeconfig)

    def kill(self):
        self.process.popen.kill()
        self.process.popen.wait()

    def stop(self):
        return self.process.stop()

    def close(self):
        if self.process and self.process.running():
            self.kill()


class Parts(Embedded):
    """What `connectors run` has installed, then API server, controller and proxy by hand; .server is the API server."""

    def __init__(self, directory, log_level="debug"):
        super().__init__(directory, log_level)
        self.server = ApiServer(self.dir, self.data)

    def up(self):
        listen = f"127.0.0.1:{self.server.port}"
        first = self.start("install", BIN, "run", "--data-dir", self.data, "--apiserver-listen", listen, "--proxy-listen", "127.0.0.1:0")
        first.wait_ready(lambda: read_json(self.data / "endpoints.json"), "endpoints.json", 30)
        assert first.stop() == 0
        self.processes.clear()
        self.server.up()
        self.main = self.start_proxy("proxy")
        self.proxy, self.audit = self.main.url, self.main.audit
        address = self.dir / "controller.json"
        controller = self.start("controller", BIN, "controller", "--kubeconfig", self.data / "pki" / "controller.kubeconfig",
                                "--proxy-address", self.proxy, "--metrics-listen", "127.0.0.1:0", "--address-file", address, "--log-level",
                                self.log_level, "--allow-destination", "127.0.0.0/8")
        self.controller_metrics = controller.wait_ready(lambda: read_json(address), "address file")["metrics"]

    def logs(self):
        return super().logs() + "\n--- metrics of the controller\n" + run("curl", "-s", f"{self.controller_metrics}/metrics", ok=None).stdout

    def close(self):
        super().close()
        self.server.close()


__all__ = ["ApiServer", "Parts"]

"""The API server's disk is full: writers are told so, readers go on, and nothing that was acknowledged is lost."""

import os
import subprocess

import pytest
from harness.kube import Api, core
from harness.ledger import Ledger, Load
from harness.parts import ApiServer
from harness.process import run, wait_until

SIZE_MIB = 24


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=0700", "tmpfs", str(place)], check=False).returncode != 0:
        pytest.skip("this machine allows no mount")
    yield place
    run("umount", "-l", place)


def fill(place):
    """Takes all that is left, to the last byte, so that no write of any size fits."""
    with open(place / "filler", "wb", buffering=0) as f:
        for size in (1 << 20, 4096):
            try:
                while f.write(b"x" * size):
                    pass
            except OSError:
                pass


def config_map(name, size=0):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": "x" * size}}


def test_full_and_free_again(small_disk, tmp_path, rounds):
    server, ledger = ApiServer(tmp_path, small_disk / "data"), Ledger(writers=4, padding=3000)
    try:
        server.up()
        load = Load(ledger, Api(server.kubeconfig))
        for _ in range(max(2, rounds // 10)):
            goal = ledger.acknowledged + 100
            wait_until(lambda g=goal: ledger.acknowledged > g, f"writes are acknowledged: {ledger.statuses}", 60)
            fill(small_disk)
            refused = ledger.statuses.get(503, 0)
            wait_until(lambda r=refused: ledger.statuses.get(503, 0) > r + 5, f"writers are told: {ledger.statuses}", 60)
            check_full(server, ledger)
            (small_disk / "filler").unlink()
        goal = ledger.acknowledged + 100
        wait_until(lambda: ledger.acknowledged > goal, "writes go on", 60)
        load.stop()
        ledger.check(Api(server.kubeconfig))
        ledger.assert_clean()
        assert server.stop() == 0
        ledger.check(server.up())
        ledger.assert_clean()
        print(f"answers {ledger.statuses}, {server.starts} starts")
    except BaseException:
        print(server.process.tail())
        raise
    finally:
        server.close()


def check_full(server, ledger):
    """Reads are answered and right; a write is refused by a Status that says why."""
    assert server.process.running()
    api = Api(server.kubeconfig)
    ledger.check(api)
    ledger.assert_clean()
    code, answer = api.ask("POST", core("default", "configmaps"), config_map("big", 500_000))
    assert code == 503, (code, answer)
    assert answer["kind"] == "Status" and answer["status"] == "Failure"
    assert "disk of the API server is full" in answer["message"]
    assert api.ask("GET", core("default", "configmaps", "big"))[0] == 404


def test_a_server_does_not_start_into_a_full_disk(small_disk, tmp_path):
    """One line that says what is wrong, and with room again it starts."""
    fill(small_disk)
    server = ApiServer(tmp_path, small_disk / "data")
    try:
        server.start()
        assert server.process.popen.wait(20) != 0
        assert "No space left" in server.process.tail()
        (small_disk / "filler").unlink()
        api = server.up()
        api.create(core("default", "configmaps"), config_map("x"))
        assert server.stop() == 0
    finally:
        server.close()

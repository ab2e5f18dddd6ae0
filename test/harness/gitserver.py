"""examples/git-server.sh with repositories of its own."""

from harness.process import TOP, clean_env, free_port, run

SCRIPT = TOP / "examples" / "git-server.sh"
AUTHOR = {"GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.com", "GIT_COMMITTER_NAME": "Test",
          "GIT_COMMITTER_EMAIL": "test@example.com", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
          "GIT_TERMINAL_PROMPT": "0"}


def git_env(**more):
    return clean_env(**AUTHOR, **more)


class GitServer:
    def __init__(self, directory, cert=None):
        self.dir, self.port = directory, free_port()
        self.url = f"{'https' if cert else 'http'}://127.0.0.1:{self.port}"
        (directory / "repos").mkdir(parents=True)
        run(SCRIPT, "start", directory, self.port, *(cert or ()))
        self.password = (directory / "password").read_text()

    def new_repository(self, name):
        """A bare repository with one commit on main; returns its path."""
        bare, seed = self.dir / "repos" / f"{name}.git", self.dir / f"seed-{name}"
        run("git", "init", "-q", "--bare", "-b", "main", bare, env=git_env())
        run("git", "-C", bare, "config", "http.receivepack", "true", env=git_env())
        run("git", "init", "-q", "-b", "main", seed, env=git_env())
        (seed / "README").write_text("hello\n")
        run("git", "-C", seed, "add", "README", env=git_env())
        run("git", "-C", seed, "commit", "-qm", "first", env=git_env())
        run("git", "-C", seed, "push", "-q", bare, "main", env=git_env())
        return bare

    def requests(self):
        """Lines of the access log: user, method, path, status."""
        log = self.dir / "requests.log"
        return [line.split()[:4] for line in log.read_text().splitlines()] if log.exists() else []

    def close(self):
        run(SCRIPT, "stop", self.dir)

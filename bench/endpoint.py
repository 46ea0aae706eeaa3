"""How the loads talk to a cluster: over HTTP/1.1 with a client certificate. Only Python's own library is used."""
import base64
import http.client
import json
import re
import ssl
import tempfile
import urllib.parse

CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)
FAILURES = (OSError, http.client.HTTPException)


class Endpoint:
    """Where the cluster is and who we are: out of a kubeconfig with embedded certificates. `host` and `port` name one API server
    instead of the endpoint."""

    def __init__(self, kubeconfig, timeout, host=None, port=None):
        text = open(kubeconfig).read()
        url = urllib.parse.urlparse(re.search(r"server:\s*[\"']?(\S+?)[\"']?\s*$", text, re.M).group(1))
        self.host, self.port, self.timeout = host or url.hostname, port or url.port or 443, timeout

        def data(name):
            return base64.b64decode(re.search(name + r":\s*[\"']?([A-Za-z0-9+/=]+)", text).group(1))

        self.tls = ssl.create_default_context(cadata=data("certificate-authority-data").decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(data("client-certificate-data") + b"\n" + data("client-key-data"))
            pair.flush()
            self.tls.load_cert_chain(pair.name)

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.tls)


class Client:
    """One connection, kept as long as it is good."""

    def __init__(self, endpoint):
        self.endpoint, self.connection = endpoint, None

    def send(self, method, path, body=None):
        """The status and body of the answer; raises OSError or HTTPException when there is none."""
        if self.connection and is_closed(self.connection.sock):
            self.close()
        for attempt in (1, 2):
            is_kept = self.connection is not None
            try:
                self.connection = self.connection or self.endpoint.connect()
                headers = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                content = answer.read()
                if answer.will_close:
                    self.close()
                return answer.status, content
            except BaseException as error:
                self.close()
                if not (attempt == 1 and is_kept and method == "GET" and isinstance(error, CLOSED)):
                    raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def is_closed(kept):
    """The other end has closed a connection on which nothing is awaited."""
    timeout = kept.gettimeout()
    kept.setblocking(False)
    try:
        kept.recv(1)
        return True
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    finally:
        kept.settimeout(timeout)


def status_message(content):
    """What a failed answer says: the message of Kubernetes' Status, else its text."""
    text = content.decode(errors="replace").strip()
    try:
        message = json.loads(text).get("message", text)
    except (ValueError, AttributeError):
        message = text
    return str(message)[:300]

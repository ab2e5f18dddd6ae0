#!/usr/bin/env bash
# A private Git server on loopback: nginx and fcgiwrap in front of `git http-backend`, with Basic authentication.
#
#   git-server.sh start DIR PORT [CERT KEY]   serves the repositories below DIR/repos (https with CERT and KEY)
#   git-server.sh stop DIR                    ends what start began
#
# The user's name is `git`; the password is the content of DIR/password (made at random when it is not there).
set -euo pipefail

server_conf() { # DIR PORT CERT KEY
    local dir=$1 port=$2 cert=$3 key=$4 tls="" user=""
    [ -z "$cert" ] || tls="ssl_certificate $cert; ssl_certificate_key $key;"
    [ "$(id -u)" -ne 0 ] || user="user root;"
    cat <<CONF
daemon off;
$user
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/nginx-error.log;
events { worker_connections 256; }
http {
    log_format requests '\$remote_user \$request_method \$uri \$status "\$http_user_agent"';
    access_log $dir/requests.log requests;
    client_max_body_size 0;
    client_body_temp_path $dir/tmp-body;
    proxy_temp_path $dir/tmp-proxy;
    fastcgi_temp_path $dir/tmp-fastcgi;
    uwsgi_temp_path $dir/tmp-uwsgi;
    scgi_temp_path $dir/tmp-scgi;
    server {
        listen 127.0.0.1:$port${cert:+ ssl};
        $tls
        location / {
            auth_basic "git";
            auth_basic_user_file $dir/users;
            fastcgi_pass unix:$dir/fcgi.sock;
            fastcgi_read_timeout 300s;
            fastcgi_param SCRIPT_FILENAME $(git --exec-path)/git-http-backend;
            fastcgi_param GIT_PROJECT_ROOT $dir/repos;
            fastcgi_param GIT_HTTP_EXPORT_ALL "";
            fastcgi_param PATH_INFO \$uri;
            fastcgi_param QUERY_STRING \$query_string;
            fastcgi_param REQUEST_METHOD \$request_method;
            fastcgi_param CONTENT_TYPE \$content_type;
            fastcgi_param CONTENT_LENGTH \$content_length;
            fastcgi_param REMOTE_USER \$remote_user;
            fastcgi_param REMOTE_ADDR \$remote_addr;
        }
    }
}
CONF
}

wait_until() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "git-server.sh: '$*' did not come true" >&2; return 1; }
        sleep 0.05
    done
}

# Gone, or only waiting for its parent to notice.
is_gone() { ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }

# nginx writes the file of its id when it listens.
is_decided() { [ -s "$1/nginx.pid" ] || is_gone "$(cat "$1/server.pid")"; } # DIR

start() { # DIR PORT [CERT KEY]
    local dir=$1 port=$2 cert=${3:-} key=${4:-}
    mkdir -p "$dir/repos"
    [ -s "$dir/password" ] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password")
    (umask 077 && printf 'git:{PLAIN}%s\n' "$(cat "$dir/password")" >"$dir/users")
    server_conf "$dir" "$port" "$cert" "$key" >"$dir/nginx.conf"
    rm -f "$dir/fcgi.sock" "$dir/nginx.pid"
    setsid /usr/sbin/fcgiwrap -c 4 -s "unix:$dir/fcgi.sock" >"$dir/fcgi.log" 2>&1 </dev/null &
    echo $! >"$dir/fcgi.pid"
    wait_until 10 test -S "$dir/fcgi.sock"
    setsid /usr/sbin/nginx -c "$dir/nginx.conf" >"$dir/nginx.log" 2>&1 </dev/null &
    echo $! >"$dir/server.pid"
    wait_until 10 is_decided "$dir"
    [ -s "$dir/nginx.pid" ] || { cat "$dir/nginx.log" >&2; return 1; }
}

stop() { # DIR
    local name pid
    for name in server fcgi; do
        [ -s "$1/$name.pid" ] || continue
        pid=$(cat "$1/$name.pid")
        kill -- "-$pid" 2>/dev/null || kill "$pid" 2>/dev/null || true
        wait_until 10 is_gone "$pid" || kill -KILL -- "-$pid" 2>/dev/null || true
        rm -f "$1/$name.pid"
    done
}

case ${1:-} in
start) shift && start "$@" ;;
stop) shift && stop "$@" ;;
*) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac

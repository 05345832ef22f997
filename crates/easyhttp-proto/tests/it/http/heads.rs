//! What heads say.

use easyhttp_proto::http::{Incoming, Known, RequestHead, head};

use super::{BODY, Heard, SIZES, answers, however_cut, only, receive, requests};

#[test]
fn a_request_is_read_however_it_is_cut() {
    let bytes =
        b"POST /easyhttp/api?x HTTP/1.1\r\nHost: a:1\r\nX-Empty:\r\nx-spaces: \t a b\t \r\n\
                  Content-Length: 11\r\n\r\n{\"type\":1}\n";
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Heard {
        start: "POST /easyhttp/api?x".into(),
        fields: vec![
            field("Host", "a:1"),
            field("X-Empty", ""),
            field("x-spaces", "a b"),
            field("Content-Length", "11"),
        ],
        keeps_alive: true,
        body: b"{\"type\":1}\n".to_vec(),
    };
    assert_eq!(only(however_cut(bytes, |parts| requests(parts.iter().copied()))), expected);
}

#[test]
fn requests_come_one_after_the_other_and_none_hides_in_another() {
    let bytes = b"\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n\
                  POST /1 HTTP/1.1\r\ncontent-length: 9\r\n\r\nGET /2 HT\r\n\
                  POST /3 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
                  b\r\nGET /4 HTTP\r\n0\r\n\r\n\r\n\
                  GET /5 HTTP/1.1\r\n\r\nGET /half";
    let (messages, fault) = however_cut(bytes, |parts| requests(parts.iter().copied()));
    let starts: Vec<_> = messages.iter().map(|message| &message.start[..]).collect();
    assert_eq!(starts, ["GET /", "POST /1", "POST /3", "GET /5"]);
    let bodies: Vec<_> = messages.iter().map(|message| &message.body[..]).collect();
    assert_eq!(bodies, [&b""[..], b"GET /2 HT", b"GET /4 HTTP", b""]);
    assert_eq!(fault, None);
}

#[test]
fn answers_are_read_however_they_are_cut() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\n\
                  HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}\
                  HTTP/1.1 204 No Content\r\n\r\n\
                  HTTP/1.1 304\r\ncontent-length: 5\r\n\r\n\
                  HTTP/1.1 503 \xfcberlastet\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n\
                  HTTP/1.1 200 \r\n\r\nto the end";
    let (messages, fault) = however_cut(bytes, |parts| answers(parts.iter().copied()));
    let read: Vec<_> = messages
        .iter()
        .map(|it| (&it.start[..], str::from_utf8(&it.body).unwrap(), it.keeps_alive))
        .collect();
    let expected = [
        ("100", "", true),
        ("200", "{}", true),
        ("204", "", true),
        ("304", "", true),
        ("503", "no", true),
        ("200", "to the end", false),
    ];
    assert_eq!((&read[..], fault), (&expected[..], None));
}

#[test]
fn what_is_asked_for_is_a_path_whatever_stands_around_it() {
    for (target, path, authority) in [
        ("/", "/", None),
        ("/easyhttp/api", "/easyhttp/api", None),
        ("/easyhttp/api?a=/b?c", "/easyhttp/api", None),
        ("//easyhttp/api", "//easyhttp/api", None),
        ("/x?u=http://evil/easyhttp/api", "/x", None),
        ("/x://evil/easyhttp/api", "/x://evil/easyhttp/api", None),
        ("*", "*", None),
        ("http://10.0.0.1:5000/easyhttp/api?x", "/easyhttp/api", Some("10.0.0.1:5000")),
        ("HTTP://a", "/", Some("a")),
        ("http://a?x/y", "/", Some("a")),
        ("http://[fe80::1]:80/x", "/x", Some("[fe80::1]:80")),
        ("http://[fe80::1]/", "/", Some("[fe80::1]")),
    ] {
        with_request(&format!("GET {target} HTTP/1.1\r\n\r\n"), |head| {
            assert_eq!((head.path(), head.authority()), (path, authority), "{target}");
        });
    }
}

#[test]
fn a_connection_is_kept_as_both_sides_say() {
    for (version, fields, keeps_alive) in [
        ("1.1", "", true),
        ("1.1", "connection: close\r\n", false),
        ("1.1", "Connection: x , CLOSE\t, y\r\n", false),
        ("1.1", "connection: close\r\nconnection: keep-alive\r\n", false),
        ("1.1", "connection: keep-alive\r\nconnection: close\r\n", false),
        ("1.1", "connection: closed, not-close\r\n", true),
        ("1.1", "x-connection: close\r\n", true),
        ("1.0", "", false),
        ("1.0", "connection: Keep-Alive\r\n", true),
        ("1.0", "connection: keep-alive, close\r\n", false),
    ] {
        let request = format!("GET / HTTP/{version}\r\n{fields}\r\n");
        assert_eq!(only(requests([request.as_bytes()])).keeps_alive, keeps_alive, "{request}");
        let answer = format!("HTTP/{version} 200 OK\r\ncontent-length: 0\r\n{fields}\r\n");
        assert_eq!(only(answers([answer.as_bytes()])).keeps_alive, keeps_alive, "{answer}");
    }
}

#[test]
fn only_who_waits_for_it_is_told_to_go_on() {
    for (request, expects) in [
        ("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n", true),
        ("POST / HTTP/1.1\r\nExpect: 100-Continue\r\ntransfer-encoding: chunked\r\n\r\n", true),
        ("POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n", false),
        // There is no body to wait with.
        ("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n", false),
        // HTTP/1.0 does not know it (RFC 9110, 10.1.1).
        ("POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n", false),
    ] {
        with_request(request, |head| assert_eq!(head.expects_continue, expects, "{request}"));
    }
}

#[test]
fn fields_are_found_by_their_name_in_any_case() {
    with_request("GET / HTTP/1.1\r\nHost: a\r\nORIGIN: b\r\norigin:c\r\n\r\n", |head| {
        assert_eq!(head.fields.only("host"), Some(&b"a"[..]));
        assert_eq!(head.fields.all("Origin").collect::<Vec<_>>(), [b"b", b"c"]);
        assert_eq!(head.fields.only("origin"), None, "there are two");
        assert_eq!(head.fields.only("hos"), None);
    });
}

#[test]
fn what_we_send_is_what_we_read() {
    let mut post = head::Alike::posts("[::1]:5000");
    for body in ["", "{}", "{\"type\":1}", "{}"] {
        let sent = [post.of_length(body.len(), ""), body.as_bytes()].concat();
        let read = only(requests([&sent[..]]));
        assert_eq!((&read.start[..], &read.body[..]), ("POST /easyhttp/api", body.as_bytes()));
        assert!(read.fields.contains(&("host".into(), "[::1]:5000".into())));
        assert!(read.fields.contains(&("content-type".into(), "application/json".into())));
        assert!(read.keeps_alive);
    }

    let read = only(requests([head::get("/", "a:1", "").as_bytes()]));
    assert_eq!((&read.start[..], &read.body[..]), ("GET /", &b""[..]));
    assert_eq!(read.fields, [("host".into(), "a:1".into())]);

    assert_eq!(only(answers([head::CONTINUE])).start, "100");

    let mut sent = String::from("of the last answer");
    for status in [200, 204, 400, 403, 404, 405, 408, 413, 415, 417, 421, 431, 500, 503] {
        let body = if status == 204 { "" } else { "{}" };
        head::answer(&mut sent, status, [("allow", "POST"), ("vary", "origin")], "", body.len());
        sent.push_str(body);
        let read = only(answers([sent.as_bytes()]));
        assert_eq!((read.start, &read.body[..]), (status.to_string(), body.as_bytes()));
        assert_eq!(
            read.fields[..2],
            [("allow".into(), "POST".into()), ("vary".into(), "origin".into())]
        );
        assert!(read.keeps_alive, "{status}");
    }
}

#[test]
fn a_head_that_comes_again_need_not_be_read_again() {
    let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";
    let mut incoming = Incoming::new(SIZES);
    let mut known = Known::default();
    receive(&mut incoming, request.as_bytes());
    assert_eq!(incoming.again(&known), None, "none is known");
    assert!(incoming.request().unwrap().is_some());
    incoming.know(&mut known, "a command");
    assert_eq!(incoming.again(&known), None, "its body comes first");
    assert!(incoming.read_body(BODY).unwrap());
    incoming.finish();

    let (most, last) = request.split_at(request.len() - 3);
    receive(&mut incoming, most.as_bytes());
    assert_eq!(incoming.again(&known), None, "it is not whole");
    receive(&mut incoming, last.as_bytes());
    assert_eq!(incoming.again(&known), Some(&"a command"));
    assert!(incoming.read_body(BODY).unwrap());
    assert_eq!(incoming.body(), b"{}");
    incoming.finish();

    let other = request.replace("host: a", "host: b");
    receive(&mut incoming, other.as_bytes());
    assert_eq!(incoming.again(&known), None, "it is another one");
    assert!(incoming.request().unwrap().is_some());
    assert!(incoming.read_body(BODY).unwrap());
    incoming.finish();

    let large = request.replace("host", &format!("x: {}\r\nhost", "x".repeat(600)));
    receive(&mut incoming, large.as_bytes());
    assert!(incoming.request().unwrap().is_some());
    incoming.know(&mut known, "too large to be remembered");
    assert!(incoming.read_body(BODY).unwrap());
    incoming.finish();
    receive(&mut incoming, large.as_bytes());
    assert_eq!(incoming.again(&known), None);
}

#[track_caller]
fn with_request(bytes: &str, look: impl FnOnce(RequestHead<'_>)) {
    let mut incoming = Incoming::new(SIZES);
    receive(&mut incoming, bytes.as_bytes());
    look(incoming.request().unwrap().unwrap());
}

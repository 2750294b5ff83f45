//! A client that costs next to nothing: HTTP/1.1 over one kept connection, blocking, one request at a time.
//!
//! It shares two cores with the server it measures, so a library that does more would be measured too.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer. Past this something is stuck, and the run ends with an error.
const PATIENCE: Duration = Duration::from_secs(15);

/// An answer, in the connection's own buffer.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

/// A kept connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where the parts of an answer are, once all of it has come.
struct Layout {
    status: u16,
    body_at: usize,
    end: usize,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends the bytes of one request and waits for its answer.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let layout = loop {
            if filled == self.buffer.len() {
                return Err(io::Error::other("an answer larger than the buffer"));
            }
            match self.stream.read(&mut self.buffer[filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => filled += more,
            }
            if let Some(layout) = layout(&self.buffer[..filled])? {
                break layout;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..layout.body_at]).map_err(io::Error::other)?;
        Ok(Answer { status: layout.status, head, body: &self.buffer[layout.body_at..layout.end] })
    }
}

/// The layout of an answer; nothing while it is not complete.
fn layout(bytes: &[u8]) -> io::Result<Option<Layout>> {
    let Some(head_end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let (head, body_at) = (&bytes[..head_end], head_end + 4);
    let malformed = || io::Error::other("an answer that is not HTTP/1.1 with a length");
    let text = std::str::from_utf8(head).map_err(|_| malformed())?;
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    let length: Option<usize> = header(text, "content-length").and_then(|value| value.parse().ok());
    let status = status.ok_or_else(malformed)?;
    // An answer without content has no length.
    let length = length.or((status == 204).then_some(0));
    let end = body_at + length.ok_or_else(malformed)?;
    Ok((bytes.len() >= end).then_some(Layout { status, body_at, end }))
}

/// A header's value.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_when_its_length_is_there() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a=b; Path=/\r\n\r\nabc";
        for cut in 0..whole.len() {
            assert!(layout(&whole[..cut]).unwrap().is_none(), "{cut}");
        }
        let layout = layout(whole).unwrap().unwrap();
        assert_eq!((layout.status, &whole[layout.body_at..layout.end]), (200, &b"abc"[..]));
        assert_eq!(header(std::str::from_utf8(whole).unwrap(), "set-cookie"), Some("a=b; Path=/"));
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        assert!(layout(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(layout(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().status, 204);
    }
}

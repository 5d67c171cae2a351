//! Files handed from the server to a worker while it runs: one byte and a descriptor each, on a socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sends a descriptor; fails at once where the other side has left too many of them unread.
pub(crate) fn send(socket: impl AsFd, file: BorrowedFd<'_>) -> io::Result<()> {
    let files = [file];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(socket, &[IoSlice::new(&[0])], &mut ancillary, flags)?;
    Ok(())
}

/// Takes the next descriptor, which must have been sent already.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, flags)?;
    let mut files = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    files.next().and_then(|mut files| files.next()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::{receive, send};

    #[test]
    fn files_arrive_in_order_and_none_is_an_error_at_once() {
        let (server, worker) = UnixStream::pair().expect("a pair");
        assert!(receive(&worker).is_err());
        for text in ["one", "two"] {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(text.as_bytes()).expect("it is written");
            send(&server, file.as_fd()).expect("it is sent");
        }
        for text in ["one", "two"] {
            let mut file = File::from(receive(&worker).expect("it has come"));
            file.rewind().expect("it is a file");
            let mut content = String::new();
            file.read_to_string(&mut content).expect("it is read");
            assert_eq!(content, text);
        }
        assert!(receive(&worker).is_err());
    }

    #[test]
    fn what_is_left_unread_is_bounded_and_does_not_hold_the_sender_up() {
        let (server, worker) = UnixStream::pair().expect("a pair");
        let file = tempfile::tempfile().expect("a file");
        let sent = (0..100_000).take_while(|_| send(&server, file.as_fd()).is_ok()).count();
        assert!((1..100_000).contains(&sent), "{sent}");
        assert!(receive(&worker).is_ok());
        drop(worker);
        assert!(send(&server, file.as_fd()).is_err());
    }
}

//! Decompressing a body, within bounds.

use crate::error::{Kind, RequestError};
use crate::limits;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::{self, Read};

/// How many compressions may lie over each other.
const MOST_LAYERS: usize = 3;

/// The window of a zstd frame, as a power of two: what RFC 9659 allows for HTTP.
const ZSTD_WINDOW: u32 = 23;

/// The window of brotli's input buffer, in bytes.
const BROTLI_BUFFER: usize = 16 * 1024;

/// A way to compress a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The compressions of a body in the order in which they were applied. Others than these four are
/// the reader's affair, and the body stays as it is.
pub(crate) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, RequestError> {
    let fields = headers.get_all(CONTENT_ENCODING).iter();
    let names = fields.filter_map(|field| field.to_str().ok()).flat_map(|text| text.split(','));
    let codings: Vec<_> = names
        .filter_map(|name| match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Coding::Gzip),
            "deflate" => Some(Coding::Deflate),
            "br" => Some(Coding::Brotli),
            "zstd" => Some(Coding::Zstd),
            _ => None,
        })
        .collect();
    if codings.len() > MOST_LAYERS {
        let message = format!("the answer is compressed more than {MOST_LAYERS} times over");
        return Err(RequestError::new(Kind::DecodingError, message));
    }
    Ok(codings)
}

/// Takes `codings` off `body`; neither the result nor anything on the way to it is larger than
/// `most` bytes, or than what may come of that many bytes received.
pub(crate) fn decode(
    codings: &[Coding],
    body: Vec<u8>,
    most: usize,
) -> Result<Vec<u8>, RequestError> {
    if body.is_empty() {
        return Ok(body);
    }
    let honest = body.len().saturating_mul(limits::EXPANSION).max(limits::FREE_EXPANSION);
    codings.iter().rev().try_fold(body, |body, coding| {
        let body = read(*coding, &body, most.min(honest)).map_err(|reason| {
            let message = "the answer does not decompress";
            RequestError::new(Kind::DecodingError, message).caused_by(reason)
        })?;
        if body.len() > most {
            return Err(too_large(most));
        }
        if body.len() > honest {
            let message = format!(
                "the answer decompresses to more than {} times its size",
                limits::EXPANSION
            );
            return Err(RequestError::new(Kind::DecodingError, message));
        }
        Ok(body)
    })
}

/// That a body has more than `most` bytes.
pub(crate) fn too_large(most: usize) -> RequestError {
    let message = format!("the answer's body has more than {most} bytes");
    RequestError::new(Kind::ResponseTooLarge, message)
}

/// Reads at most one byte more than `bound`.
fn read(coding: Coding, body: &[u8], bound: usize) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Gzip => read_bounded(flate2::read::GzDecoder::new(body), bound),
        Coding::Deflate if has_zlib_header(body) => {
            read_bounded(flate2::read::ZlibDecoder::new(body), bound)
        }
        // What the name says, though not what the standard means by it.
        Coding::Deflate => read_bounded(flate2::read::DeflateDecoder::new(body), bound),
        Coding::Brotli => {
            read_bounded(brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER), bound)
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(body)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            read_bounded(decoder, bound)
        }
    }
}

fn read_bounded(decoder: impl Read, bound: usize) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    let most = u64::try_from(bound).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(most).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// Whether the first two bytes are a zlib header: method 8, and a checksum over both.
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Coding, Kind, codings, decode};
    use crate::limits;
    use flate2::Compression;
    use http::{HeaderMap, HeaderValue};
    use std::io::Write;

    /// `echo -n "The quick brown fox" | brotli`.
    const BROTLI: &[u8] = b"\x0f\x09\x80The quick brown fox\x03";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn refused(codings: &[Coding], body: Vec<u8>, most: usize) -> Option<Kind> {
        decode(codings, body, most).err().map(|error| error.kind())
    }

    #[test]
    fn each_coding_is_taken_off() {
        let text = b"The quick brown fox".as_slice();
        for (coding, body) in [
            (Coding::Gzip, gzip(text)),
            (Coding::Deflate, zlib(text)),
            (Coding::Deflate, deflate(text)),
            (Coding::Brotli, BROTLI.to_vec()),
            (Coding::Zstd, zstd(text)),
        ] {
            assert_eq!(decode(&[coding], body.clone(), 100).unwrap(), text, "{coding:?}");
            let most = text.len() - 1;
            assert_eq!(refused(&[coding], body.clone(), most), Some(Kind::ResponseTooLarge));
            let cut = body[..body.len() - 1].to_vec();
            let truncated = refused(&[coding], cut, 100);
            assert_eq!(truncated, Some(Kind::DecodingError), "{coding:?} cut short");
            let garbage = b"\xff\xfe\xfd\xfc no such thing".to_vec();
            assert_eq!(refused(&[coding], garbage, 100), Some(Kind::DecodingError), "{coding:?}");
        }
    }

    #[test]
    fn codings_come_off_in_reverse() {
        let body = zstd(&gzip(b"text"));
        assert_eq!(decode(&[Coding::Gzip, Coding::Zstd], body, 100).unwrap(), b"text");
        assert_eq!(decode(&[], b"text".to_vec(), 100).unwrap(), b"text");
        assert_eq!(decode(&[Coding::Gzip], Vec::new(), 100).unwrap(), b"", "as after HEAD");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let most = limits::BODY;
        for (coding, body) in [
            (Coding::Gzip, gzip(&vec![0; 5_000_000])),
            (Coding::Deflate, zlib(&vec![0; 5_000_000])),
            (Coding::Zstd, zstd(&vec![0; 5_000_000])),
        ] {
            assert_eq!(refused(&[coding], body, most), Some(Kind::DecodingError), "{coding:?}");
        }
        let layered = zstd(&gzip(&vec![0; 20_000_000]));
        let refused = refused(&[Coding::Gzip, Coding::Zstd], layered, most);
        assert_eq!(refused, Some(Kind::DecodingError));
        let small = zstd(&vec![0; limits::FREE_EXPANSION]);
        assert_eq!(decode(&[Coding::Zstd], small, most).unwrap().len(), limits::FREE_EXPANSION);
    }

    #[test]
    fn a_zstd_window_beyond_the_standard_is_refused() {
        let with_window = |log| {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.write_all(b"text").unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(decode(&[Coding::Zstd], with_window(23), 100).unwrap(), b"text");
        assert_eq!(refused(&[Coding::Zstd], with_window(24), 100), Some(Kind::DecodingError));
    }

    #[test]
    fn codings_are_read_from_all_fields() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("content-encoding", HeaderValue::from_static(value));
            }
            codings(&headers).map_err(|error| error.kind())
        };
        assert_eq!(read(&[]), Ok(vec![]));
        assert_eq!(
            read(&["GZIP , br", "x-gzip"]),
            Ok(vec![Coding::Gzip, Coding::Brotli, Coding::Gzip])
        );
        assert_eq!(read(&["identity, compress, aes128gcm"]), Ok(vec![]));
        assert_eq!(read(&["zstd, deflate"]), Ok(vec![Coding::Zstd, Coding::Deflate]));
        assert_eq!(read(&["gzip, gzip", "gzip, gzip"]), Err(Kind::DecodingError));
    }
}

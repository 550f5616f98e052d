//! An object, read by ranges.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::slice;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use hct_core::ReadAt;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStoreExt};

use super::error::io_error;
use super::ranges::{joined, pieces};
use super::runtime::runtime;
use super::store::Place;
use crate::source_changed::SourceChanged;

/// Bytes at the end that are fetched with the first request, which tells how long the object is: the
/// trailer, and the index of a file of some hundred tensors.
const TAIL: u64 = 64 << 10;
/// Requests at once: enough to fill a connection of some latency, and few enough for any server.
const AT_ONCE: usize = 8;
/// Bytes that wait to be read at most; what is older is fetched again when it is asked for.
const WAITING: usize = 1 << 30;

/// An object as it was when it was opened: anything else is [`SourceChanged`].
pub struct RemoteSource {
    place: Place,
    opened: ObjectMeta,
    /// The end of the object.
    tail: Piece,
    /// What was fetched and not yet read, the oldest first.
    waiting: Mutex<Vec<Piece>>,
}

/// Bytes from an offset on.
struct Piece {
    offset: u64,
    bytes: Vec<u8>,
    /// How many of them will be read yet.
    expected: u64,
}

impl Piece {
    fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}

impl RemoteSource {
    /// Opens what is at a URL, by one request.
    pub fn open(url: &Path) -> io::Result<RemoteSource> {
        // Before any client is made: it sets up TLS.
        let runtime = runtime()?;
        let place = Place::of(url).map_err(io::Error::other)?;
        let suffix = GetOptions::new().with_range(Some(GetRange::Suffix(TAIL)));
        let (opened, offset, bytes) = runtime.block_on(async {
            let result = match place.store.get_opts(&place.object, suffix).await {
                // Azure knows no ranges from the end.
                Err(object_store::Error::NotSupported { .. }) => {
                    let size = place
                        .store
                        .head(&place.object)
                        .await
                        .map_err(io_error)?
                        .size;
                    let range = GetRange::Bounded(size.saturating_sub(TAIL)..size);
                    let options = GetOptions::new().with_range(Some(range));
                    place.store.get_opts(&place.object, options).await
                }
                result => result,
            };
            let result = result.map_err(io_error)?;
            let (meta, offset) = (result.meta.clone(), result.range.start);
            Ok::<_, io::Error>((meta, offset, whole(result).await?))
        })?;
        if offset.checked_add(bytes.len() as u64) != Some(opened.size) {
            return Err(io::Error::other(
                "the server sent another range than the last bytes",
            ));
        }
        let tail = Piece {
            offset,
            bytes,
            expected: 0,
        };
        Ok(RemoteSource {
            place,
            opened,
            tail,
            waiting: Mutex::default(),
        })
    }

    async fn fetch(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let tag = self.opened.e_tag.as_ref();
        // A weak tag is equal to none by the rules of If-Match.
        let strong = tag.filter(|tag| !tag.starts_with("W/"));
        let options = GetOptions::new()
            .with_if_match(strong)
            .with_range(Some(range.clone()));
        let result = self.place.store.get_opts(&self.place.object, options).await;
        let result = result.map_err(io_error)?;
        let (now, then) = (&result.meta, &self.opened);
        if (now.size, &now.e_tag, now.last_modified) != (then.size, &then.e_tag, then.last_modified)
        {
            return Err(SourceChanged.into());
        }
        let sent = result.range.clone();
        let bytes = whole(result).await?;
        match sent == range && bytes.len() as u64 == range.end - range.start {
            true => Ok(bytes),
            false => Err(io::Error::other(format!(
                "the server sent {} bytes of the range {sent:?} in the place of {range:?}",
                bytes.len()
            ))),
        }
    }

    /// A range by as many requests as it takes.
    fn fetch_all(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Vec<u8>>> {
        let cut: Vec<(usize, Range<u64>)> = ranges
            .iter()
            .enumerate()
            .flat_map(|(i, range)| pieces(range).into_iter().map(move |piece| (i, piece)))
            .collect();
        let mut out = vec![Vec::new(); ranges.len()];
        let runtime = runtime()?;
        for some in cut.chunks(AT_ONCE) {
            let fetched =
                runtime.block_on(join_all(some.iter().map(|(_, p)| self.fetch(p.clone()))));
            for ((i, _), bytes) in some.iter().zip(fetched) {
                out[*i].extend(bytes?);
            }
        }
        Ok(out)
    }

    /// The bytes, if they were expected.
    fn take(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting
            .iter()
            .position(|piece| piece.get(offset, len).is_some())?;
        let piece = waiting.get_mut(found)?;
        let bytes = piece.get(offset, len)?.to_vec();
        piece.expected = piece.expected.saturating_sub(len as u64);
        if piece.expected == 0 {
            waiting.remove(found);
        }
        Some(bytes)
    }
}

impl ReadAt for RemoteSource {
    fn size(&self) -> u64 {
        self.opened.size
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        if let Some(bytes) = self.tail.get(offset, len) {
            return Ok(Cow::Borrowed(bytes));
        }
        if let Some(bytes) = self.take(offset, len) {
            return Ok(Cow::Owned(bytes));
        }
        let range = offset..offset.saturating_add(len as u64);
        let fetched = self.fetch_all(slice::from_ref(&range))?;
        Ok(Cow::Owned(fetched.concat()))
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn expect(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        let new = |range: &&Range<u64>| range.start < self.tail.offset;
        let ranges: Vec<Range<u64>> = ranges.iter().filter(new).cloned().collect();
        let requests = joined(&ranges);
        let fetched = self.fetch_all(&requests)?;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (request, bytes) in requests.iter().zip(fetched) {
            let within = ranges.iter().filter(|range| request.contains(&range.start));
            waiting.push(Piece {
                offset: request.start,
                bytes,
                expected: within.map(|range| range.end - range.start).sum(),
            });
        }
        let mut total: usize = waiting.iter().map(|piece| piece.bytes.len()).sum();
        while total > WAITING && waiting.len() > 1 {
            total -= waiting.remove(0).bytes.len();
        }
        Ok(())
    }
}

/// All bytes of a response.
async fn whole(result: GetResult) -> io::Result<Vec<u8>> {
    result.bytes().await.map(Into::into).map_err(io_error)
}

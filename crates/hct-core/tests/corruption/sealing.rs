//! Making checksums fit again after damage.

const TRAILER: usize = 32;

pub fn index_range(file: &[u8]) -> std::ops::Range<usize> {
    let end = file.len() - TRAILER;
    let field = |at: usize| u64::from_le_bytes(file[end + at..end + at + 8].try_into().unwrap());
    field(0) as usize..(field(0) + field(8)) as usize
}

/// The file of this payload (with its header) and index.
pub fn sealed(payload: &[u8], index: &[u8], file: &[u8]) -> Vec<u8> {
    let mut out = payload.to_vec();
    out.extend_from_slice(index);
    out.extend((payload.len() as u64).to_le_bytes());
    out.extend((index.len() as u64).to_le_bytes());
    out.extend(crc32fast::hash(index).to_le_bytes());
    out.extend_from_slice(&file[file.len() - 12..]);
    out
}

/// A run of payload and where the index says so: a varint length, then a CRC.
pub struct Chunk {
    pub start: usize,
    pub len: usize,
    field: usize,
    crc: usize,
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Where the recovery block lies that begins at `start`, if one does.
pub fn block(file: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    let body = file[start..].strip_prefix(b"HCT3REC\n")?;
    let len = u32::from_le_bytes(body[8..12].try_into().unwrap());
    Some(start..start + 24 + len as usize)
}

/// Where the payload ends in a file of one tensor, whose only recovery block comes after it.
fn payload_end(file: &[u8]) -> usize {
    let end = index_range(file).start;
    let at = |&start: &usize| block(file, start).is_some_and(|block| block.end == end);
    (16..end).find(at).unwrap_or(end)
}

/// Finds the chunks without parsing the index: payload is contiguous and in index order but for recovery
/// blocks, and a length followed by the right checksum cannot be an accident.
pub fn chunks(file: &[u8]) -> Vec<Chunk> {
    let range = index_range(file);
    let index = &file[range.clone()];
    let (mut start, mut field, mut out) = (16, 0, Vec::new());
    while start < range.start {
        if let Some(block) = block(file, start) {
            start = block.end;
            continue;
        }
        let mut crc = field;
        let len = varint(index, &mut crc).unwrap_or(0);
        let stored = index
            .get(crc..crc + 4)
            .expect("a chunk is not in the index");
        if (1..=range.start - start).contains(&len)
            && crc32fast::hash(&file[start..start + len]).to_le_bytes() == stored
        {
            out.push(Chunk {
                start,
                len,
                field,
                crc,
            });
            start += len;
            field = crc + 4;
        } else {
            field += 1;
        }
    }
    out
}

/// `file` with other bytes in one chunk, its length and all checksums made to fit, without its recovery block. For
/// files of one tensor, whose later chunks move along.
pub fn with_chunk(file: &[u8], chunk: &Chunk, bytes: &[u8]) -> Vec<u8> {
    let range = index_range(file);
    let mut payload = file[..chunk.start].to_vec();
    payload.extend_from_slice(bytes);
    payload.extend_from_slice(&file[chunk.start + chunk.len..payload_end(file)]);
    let old = &file[range];
    let mut index = old[..chunk.field].to_vec();
    let mut len = bytes.len();
    while len >= 0x80 {
        index.push(len as u8 | 0x80);
        len >>= 7;
    }
    index.push(len as u8);
    index.extend(crc32fast::hash(bytes).to_le_bytes());
    index.extend_from_slice(&old[chunk.crc + 4..]);
    sealed(&payload, &index, file)
}

//! Which tensors are coded bit for bit, and which by a strategy.

use hct_core::{BlockType, EncodedTensor, TensorMeta};
use hct_strategies::{
    Coded, LosslessEncoder, LosslessReason, Strategy, TensorView, lossless_reason,
};

use crate::checkpoint_source::CheckpointSource;
use crate::error::Error;
use crate::tensor_info::TensorInfo;

/// How a tensor is coded.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    /// Its blocks bit for bit.
    Blocks(BlockType),
    /// Bit for bit, and why.
    Lossless(LosslessReason),
    /// By the strategy.
    Strategy,
}

/// How tensor `index` of `source`, which is `view`, is coded.
///
/// # Errors
/// When the view's bytes are not the tensor's elements.
pub(crate) fn route(
    source: &dyn CheckpointSource,
    index: usize,
    view: TensorView<'_>,
) -> hct_core::Result<Route> {
    let unchanged = view.base.is_some_and(|base| base.bytes == view.bytes);
    if let Some(kind) = source.blocks_of(index).filter(|_| !unchanged) {
        return Ok(Route::Blocks(kind));
    }
    let reason = lossless_reason(view)?;
    Ok(reason.map_or(Route::Strategy, Route::Lossless))
}

/// Codes a tensor.
///
/// # Errors
/// When it cannot be coded as asked.
pub(crate) fn code_by(
    route: Route,
    view: TensorView<'_>,
    strategy: &dyn Strategy,
) -> hct_core::Result<Coded> {
    match route {
        Route::Blocks(kind) => {
            let tensor = EncodedTensor::blocks(view.meta, view.bytes, kind)?;
            Ok(Coded::new(tensor, format!("lossless ({kind} blocks)")))
        }
        Route::Lossless(reason) => LosslessEncoder.encode(view).map(|coded| {
            let label = format!("{} ({reason})", coded.label);
            Coded { label, ..coded }
        }),
        Route::Strategy => strategy.encode(view),
    }
}

/// What tensors are described by in a file.
pub(crate) fn meta_of(info: &TensorInfo) -> TensorMeta {
    TensorMeta {
        name: info.name.clone(),
        dtype: info.dtype,
        shape: info.shape.clone(),
    }
}

/// An error in coding the tensor of this name.
pub(crate) fn in_tensor(
    source: &dyn CheckpointSource,
    name: &str,
    error: hct_core::Error,
) -> Error {
    Error::Hct {
        path: source.name().to_owned(),
        error: Box::new(error.in_tensor(name)),
    }
}

//! The tree of layers.

use anyhow::{Context, Result, bail, ensure};

use super::bytes::Bytes;

/// Deepest tree that is read.
const MAX_DEPTH: usize = 32;
/// Flag of a layer: it has learning rates of its own.
const OWN_RATES: u32 = 64;
/// Flags of a matrix: the optimizer was Adam, which changes nothing here; its elements are F64.
const ADAM: u8 = 4;
const DOUBLE: u8 = 128;

/// A matrix of a network.
#[derive(Debug, PartialEq)]
pub struct Matrix {
    pub name: String,
    pub rows: usize,
    pub cols: usize,
    pub values: Vec<f64>,
}

/// The matrices of the network in `data`, named after the layers that they are in.
pub fn matrices(data: &[u8]) -> Result<Vec<Matrix>> {
    let mut found = Vec::new();
    layer(&mut Bytes::new(data), "", 0, &mut found)?;
    Ok(found)
}

/// A layer and all in it.
fn layer(data: &mut Bytes<'_>, path: &str, depth: usize, found: &mut Vec<Matrix>) -> Result<()> {
    ensure!(depth < MAX_DEPTH, "layers lie too deep in each other");
    ensure!(data.u8()? == 0, "a layer without the name of its kind");
    let kind = data.text()?;
    // Whether it is being trained, and whether what is before it is.
    data.take(2)?;
    let flags = data.u32()?;
    // Inputs, outputs and weights.
    data.take(12)?;
    let name = data.text()?;
    let path = match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    };
    match kind {
        "Series" | "Parallel" | "RTLReversed" | "TTBReversed" | "XYTranspose" => {
            for number in 0..data.len("number of layers")? {
                layer(data, &format!("{path}.{number}"), depth + 1, found)?;
            }
            if flags & OWN_RATES != 0 {
                let n = data.len("number of learning rates")?;
                data.take(n.checked_mul(4).context("too many learning rates")?)?;
            }
        }
        // Batch, height, width, depth and loss; half sizes; scales.
        "Input" => drop(data.take(20)?),
        "Convolve" | "Maxpool" | "Reconfig" => drop(data.take(8)?),
        "LSTM" | "SummLSTM" => {
            // Inputs with what is fed back.
            data.take(4)?;
            for gate in ["cell", "input", "forget", "output"] {
                found.push(matrix(data, format!("{path}.{gate}"))?);
            }
        }
        "Logistic" | "Softmax" | "SoftmaxNoCTC" | "Tanh" | "Relu" | "Linear" => {
            found.push(matrix(data, format!("{path}.weight"))?);
        }
        other => bail!("no layer of the kind {other:?} is known"),
    }
    Ok(())
}

fn matrix(data: &mut Bytes<'_>, name: String) -> Result<Matrix> {
    let mode = data.u8()?;
    ensure!(
        mode & !ADAM == DOUBLE,
        "{name}: elements are not F64 (mode {mode})"
    );
    let rows = data.len("rows")?;
    let cols = data.len("columns")?;
    // What elements are before they are set.
    data.take(8)?;
    let n = rows.checked_mul(cols).context("a matrix is too large")?;
    Ok(Matrix {
        values: data.doubles(n)?,
        name,
        rows,
        cols,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: &str, name: &str) -> Vec<u8> {
        let text = |t: &str| [&(t.len() as u32).to_le_bytes(), t.as_bytes()].concat();
        let mut head = vec![0];
        head.extend(text(kind));
        head.extend([2, 0]);
        head.extend([0; 16]);
        head.extend(text(name));
        head
    }

    fn matrix_of(values: &[f64]) -> Vec<u8> {
        let mut out = vec![DOUBLE | ADAM];
        for n in [1, values.len() as u32] {
            out.extend(n.to_le_bytes());
        }
        for v in [&[0.0], values].concat() {
            out.extend(v.to_le_bytes());
        }
        out
    }

    #[test]
    fn leaves_are_named_after_their_branches() {
        let mut data = head("Series", "net");
        data.extend(2u32.to_le_bytes());
        data.extend(head("Convolve", "conv"));
        data.extend([0; 8]);
        data.extend(head("LSTM", "l"));
        data.extend([0; 4]);
        for gate in 0..4 {
            data.extend(matrix_of(&[f64::from(gate), 0.5]));
        }
        let found = matrices(&data).unwrap();
        let names: Vec<&str> = found.iter().map(|m| m.name.as_str()).collect();
        let prefix = "net.1.l";
        assert_eq!(
            names,
            ["cell", "input", "forget", "output"].map(|g| format!("{prefix}.{g}"))
        );
        assert_eq!(found[2].values, [2.0, 0.5]);
        assert_eq!((found[2].rows, found[2].cols), (1, 2));
        for cut in 0..data.len() {
            assert!(matrices(&data[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(matrices(&head("Mystery", "m")).is_err());
        let mut endless = Vec::new();
        for _ in 0..MAX_DEPTH + 1 {
            endless.extend(head("Series", "s"));
            endless.extend(1u32.to_le_bytes());
        }
        let error = matrices(&endless).unwrap_err().to_string();
        assert!(error.contains("deep"), "{error}");
    }
}

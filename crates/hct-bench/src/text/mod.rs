//! Text that documents are made of: numbers as cells, tables, sections.

pub mod cells;
pub mod document;
pub mod table;

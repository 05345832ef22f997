//! The page `docs/costs.md`: what is accepted, for people and for the check.

use std::fs;
use std::path::Path;

use super::table::{Table, Unit};
use crate::failure::{Failure, Outcome};

pub(crate) const PATH: &str = "docs/costs.md";

/// Comes between the two tables.
const SYSTEM_CALLS: &str = "## System calls";

/// Comes before the compiler.
const COMPILER: &str = "Counted with ";

/// What was counted, or is accepted.
pub(crate) struct Page {
    pub(crate) compiler: String,
    pub(crate) instructions: Table,
    pub(crate) system_calls: Table,
}

impl Page {
    pub(crate) fn tables(&self) -> [&Table; 2] {
        [&self.instructions, &self.system_calls]
    }

    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(root.join(PATH)).map_err(|error| {
            Failure::new(
                format!("{PATH} could not be read"),
                error.to_string(),
                "`cargo xtask costs --accept` writes it",
            )
        })?;
        Ok(Self::parse(&text))
    }

    pub(crate) fn write(&self, root: &Path) -> Outcome {
        fs::write(root.join(PATH), self.render()).map_err(|error| {
            Failure::new(
                format!("{PATH} could not be written"),
                error.to_string(),
                "see that the disk is not full",
            )
        })
    }

    fn parse(text: &str) -> Self {
        let (first, second) = text.split_once(SYSTEM_CALLS).unwrap_or((text, ""));
        let compiler = first.lines().find_map(|line| line.strip_prefix(COMPILER));
        Self {
            compiler: compiler.unwrap_or_default().trim_end_matches('.').to_owned(),
            instructions: Table::parse(Unit::Instructions, first),
            system_calls: Table::parse(Unit::SystemCalls, second),
        }
    }

    fn render(&self) -> String {
        let Self { compiler, instructions, system_calls } = self;
        format!(
            "\
# What a call costs

```sh
cargo xtask costs            # counts, and compares with this page
cargo xtask costs --accept   # counts, and writes this page
```

Times change with the machine and with what else it does; these counts hardly do.
`cargo xtask test` compares them with this page, and fails if something takes 5 % more
instructions, or a call another system call. It also fails if they are clearly fewer:
what was gained is written down, or it is lost again and nobody notices.

## Instructions

Of the protocol crate, for one small FETCH unless it says otherwise
(`crates/easyhttp-proto/benches/core.rs`). To see in which functions they are:
`callgrind_annotate target/costs/read-a-request.callgrind`.

{instructions}
{COMPILER}{compiler}.

{SYSTEM_CALLS}

Of the whole library, for one small FETCH, on a kept connection unless a row says otherwise
(`crates/easyhttp/benches/calls.rs`). Writes and reads are those of sockets. A wait is
for the next of them, a wake is of a thread that waits so. With `~` it changes by one
from run to run, where threads wake each other; without a figure it is chance, as how
many messages one wait brings. On a shared connection 0.25 is one for four calls or more.
To see which system calls they are: `target/costs/*.strace`, of the last that was measured.

{system_calls}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::table::{Figure, Row};

    #[test]
    fn what_is_written_can_be_read() {
        let row = |figures| vec![Row { name: "something".to_owned(), figures }];
        let (instructions, system_calls) =
            (row(vec![Some(Figure::exact(1234.0))]), row(vec![Some(Figure::exact(1.25)); 6]));
        let page = Page {
            compiler: "rustc 1.89.0 for x86_64".to_owned(),
            instructions: Table { unit: Unit::Instructions, rows: instructions },
            system_calls: Table { unit: Unit::SystemCalls, rows: system_calls },
        };
        let read = Page::parse(&page.render());
        assert_eq!(read.compiler, page.compiler);
        assert_eq!(read.tables(), page.tables());
    }
}

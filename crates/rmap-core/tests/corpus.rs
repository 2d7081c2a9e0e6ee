//! Replays the corpus of the fuzz target `replica`.

#[path = "corpus/inputs.rs"]
mod inputs;

use std::fs;
use std::path::Path;

#[test]
fn every_input_of_the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/seeds");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|file| file.expect("the corpus can be listed").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    for file in files {
        println!("{}", file.display());
        inputs::check(&fs::read(file).expect("an input can be read"));
    }
}

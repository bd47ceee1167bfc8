//! Who wants it, and why: what every order of an operator may say.

/// The setters of an order that has a `letter: VerbLetter`, which goes where the text says.
macro_rules! signed {
    ($place:literal) => {
        #[doc = concat!("Says who wants it, for ", $place, ": the first 1,000 bytes.")]
        pub fn by(mut self, who: impl Into<String>) -> Self {
            self.letter = self.letter.by(who);
            self
        }

        #[doc = concat!("Says why, for ", $place, ": the first 1,000 bytes.")]
        pub fn reason(mut self, why: impl Into<String>) -> Self {
            self.letter = self.letter.reason(why);
            self
        }
    };
}
pub(crate) use signed;

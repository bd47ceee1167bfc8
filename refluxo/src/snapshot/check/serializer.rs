//! The checks on single values.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::{
    CheckedValue, Inside,
    compound::Compound,
    path::{Path, refusal},
};

/// A serializer that hands on to `S` what JSON carries back.
pub(super) struct Checked<'a, S> {
    inner: S,
    path: &'a Path<'a>,
    inside: Inside,
}

impl<'a, S: Serializer> Checked<'a, S> {
    /// A serializer for the value at `path`.
    pub(super) fn new(inner: S, path: &'a Path<'a>, inside: Inside) -> Self {
        Self { inner, path, inside }
    }

    /// Refuses a `null` directly in a `Some`.
    fn null(&self, what: &str) -> Result<(), S::Error> {
        match self.inside {
            Inside::Anything => Ok(()),
            Inside::Some => Err(refusal(
                self.path,
                format_args!(
                    "`Some({what})` is `null` in JSON and would come back as `None`; \
                     say it with a `bool` or an enum of your own"
                ),
            )),
        }
    }

    /// Refuses a number that is not finite.
    fn finite(&self, is_finite: bool, number: impl Display) -> Result<(), S::Error> {
        if is_finite {
            return Ok(());
        }
        Err(refusal(
            self.path,
            format_args!("the number {number} has no JSON; keep an `Option` or an enum in its place"),
        ))
    }
}

/// Hands a value on without a check.
macro_rules! hand_on {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Checked<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'a, S::SerializeSeq>;
    type SerializeTuple = Compound<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'a, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'a, S::SerializeMap>;
    type SerializeStruct = Compound<'a, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'a, S::SerializeStructVariant>;

    hand_on! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8],
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.finite(value.is_finite(), value)?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.finite(value.is_finite(), value)?;
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.null("None")?;
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&CheckedValue { value, path: self.path, inside: Inside::Some })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.null("()")?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.null(name)?;
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        // A newtype is its content in JSON, so it stands in a `Some` if the newtype does.
        let value = CheckedValue { value, path: self.path, inside: self.inside };
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let path = Path::Field(self.path, variant);
        self.inner.serialize_newtype_variant(name, index, variant, &CheckedValue::at(&path, value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.inner.serialize_seq(len).map(|inner| Compound::new(inner, self.path))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.inner.serialize_tuple(len).map(|inner| Compound::new(inner, self.path))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.inner.serialize_tuple_struct(name, len).map(|inner| Compound::new(inner, self.path))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let inner = self.inner.serialize_tuple_variant(name, index, variant, len)?;
        Ok(Compound::new(inner, self.path))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.inner.serialize_map(len).map(|inner| Compound::new(inner, self.path))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.inner.serialize_struct(name, len).map(|inner| Compound::new(inner, self.path))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let inner = self.inner.serialize_struct_variant(name, index, variant, len)?;
        Ok(Compound::new(inner, self.path))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

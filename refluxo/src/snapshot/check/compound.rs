//! The checks on what has parts: each part learns where it stands.

use serde::{
    Serialize,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::{
    CheckedValue,
    path::{Path, refusal},
};

/// A sequence, tuple, map or struct on its way through the checks.
pub(super) struct Compound<'a, C> {
    inner: C,
    path: &'a Path<'a>,
    /// How many elements were begun.
    count: usize,
}

impl<'a, C> Compound<'a, C> {
    /// The parts of the value at `path`.
    pub(super) fn new(inner: C, path: &'a Path<'a>) -> Self {
        Self { inner, path, count: 0 }
    }

    /// The place of the next element.
    fn next(&mut self) -> Path<'a> {
        let path = Path::Index(self.path, self.count);
        self.count += 1;
        path
    }
}

/// Numbers the elements of what has no names for them.
macro_rules! numbered {
    ($($trait:ident::$method:ident,)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let path = self.next();
                self.inner.$method(&CheckedValue::at(&path, value))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

numbered! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// Names the fields of what has names for them.
macro_rules! named {
    ($($trait:ident,)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let path = Path::Field(self.path, name);
                self.inner.serialize_field(name, &CheckedValue::at(&path, value))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

named! { SerializeStruct, SerializeStructVariant, }

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let path = self.next();
        self.inner.serialize_key(key).map_err(|cause| refusal(&path, cause))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let path = Path::Index(self.path, self.count.saturating_sub(1));
        self.inner.serialize_value(&CheckedValue::at(&path, value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

//! How `#[job]` writes its arguments as a JSON object, and reads them from an object or an array in their order.
//!
//! Serde's derive would do; but it makes code for each struct, and this is code for each list of types: five hundred
//! jobs compile in a tenth of the time.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, forward_to_deserialize_any};

/// References to the arguments, in order.
pub trait WriteFields {
    /// Writes each under its key.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<M: SerializeMap>(self, keys: &[&'static str], map: &mut M) -> Result<(), M::Error>;
}

/// Writes the arguments as an object with these keys.
///
/// # Errors
/// Those of the serializer.
pub fn write_fields<S: Serializer>(
    serializer: S,
    keys: &'static [&'static str],
    fields: impl WriteFields,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(keys.len()))?;
    fields.write(keys, &mut map)?;
    map.end()
}

/// The types of the arguments `Values`, in order.
///
/// `Values` is a parameter and not an associated type, because the compiler then lays a missing `Deserialize` at the one
/// argument that lacks it.
pub trait ReadFields<'de, Values>: Copy {
    /// The arguments that were read so far.
    type Slots: Default;

    /// Reads argument number `index` of the sequence or map into its slot; says whether there is such a one.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<R: NextValue<'de>>(self, slots: &mut Self::Slots, index: usize, from: &mut R) -> Result<bool, R::Error>;

    /// All arguments; one that is missing is `None` where its type can be.
    ///
    /// # Errors
    /// When one is missing.
    fn finish<E: Error>(self, slots: Self::Slots, keys: &'static [&'static str]) -> Result<Values, E>;
}

/// Reads the arguments from an object with these keys, or from an array in their order.
///
/// # Errors
/// Those of the deserializer, and when an argument is missing or given twice.
pub fn read_fields<'de, D: Deserializer<'de>, F: ReadFields<'de, Values>, Values>(
    deserializer: D,
    keys: &'static [&'static str],
    fields: F,
) -> Result<Values, D::Error> {
    deserializer.deserialize_struct("arguments", keys, Fields { keys, fields, values: PhantomData })
}

/// Where the next value comes from.
pub trait NextValue<'de> {
    /// The deserializer's error.
    type Error: Error;

    /// The next value, if there is one.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Self::Error>;
}

struct FromSeq<A>(A);
struct FromMap<A>(A);

impl<'de, A: SeqAccess<'de>> NextValue<'de> for FromSeq<A> {
    type Error = A::Error;

    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(seed)
    }
}

impl<'de, A: MapAccess<'de>> NextValue<'de> for FromMap<A> {
    type Error = A::Error;

    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_value_seed(seed).map(Some)
    }
}

struct Fields<F, Values> {
    keys: &'static [&'static str],
    fields: F,
    values: PhantomData<Values>,
}

impl<'de, F: ReadFields<'de, Values>, Values> Visitor<'de> for Fields<F, Values> {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the keys {:?}, or an array of their values", self.keys)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Values, A::Error> {
        let mut slots = F::Slots::default();
        let mut from = FromSeq(seq);
        for index in 0..self.keys.len() {
            self.fields.read(&mut slots, index, &mut from)?;
        }
        self.fields.finish(slots, self.keys)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Values, A::Error> {
        let mut slots = F::Slots::default();
        let mut from = FromMap(map);
        // Unknown keys are passed over, so that a newer program can add an argument.
        while let Some(index) = from.0.next_key_seed(Position(self.keys))? {
            if !self.fields.read(&mut slots, index, &mut from)? {
                from.0.next_value::<IgnoredAny>()?;
            }
        }
        self.fields.finish(slots, self.keys)
    }
}

/// The position of a key; that of an unknown one is past the end.
struct Position(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Position {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Position {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an argument")
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        Ok(self.0.iter().position(|known| *known == key).unwrap_or(self.0.len()))
    }
}

/// Puts a value into its empty slot.
fn fill<'de, S, R>(seed: S, slot: &mut Option<S::Value>, from: &mut R) -> Result<bool, R::Error>
where
    S: DeserializeSeed<'de>,
    R: NextValue<'de>,
{
    if slot.is_some() {
        return Err(R::Error::custom("an argument is given twice"));
    }
    *slot = from.next(seed)?;
    Ok(true)
}

/// The value of a slot, or of an empty one what its type makes of nothing.
fn take<'de, S: DeserializeSeed<'de>, E: Error>(
    seed: S,
    slot: Option<S::Value>,
    key: &'static str,
) -> Result<S::Value, E> {
    slot.map_or_else(|| seed.deserialize(Missing { key, error: PhantomData }), Ok)
}

/// Stands for an argument that is not there: `None` to a type that can be, an error to any other.
struct Missing<E> {
    key: &'static str,
    error: PhantomData<E>,
}

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.key))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl WriteFields for () {
    fn write<M: SerializeMap>(self, _: &[&'static str], _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<'de> ReadFields<'de, ()> for () {
    type Slots = ();

    fn read<R: NextValue<'de>>(self, (): &mut (), _: usize, _: &mut R) -> Result<bool, R::Error> {
        Ok(false)
    }

    fn finish<E: Error>(self, (): (), _: &'static [&'static str]) -> Result<(), E> {
        Ok(())
    }
}

macro_rules! fields {
    ($($index:tt $type:ident)*) => {
        impl<$($type: Serialize),*> WriteFields for ($(&$type,)*) {
            fn write<M: SerializeMap>(self, keys: &[&'static str], map: &mut M) -> Result<(), M::Error> {
                $(map.serialize_entry(keys[$index], self.$index)?;)*
                Ok(())
            }
        }

        impl<'de, $($type: Deserialize<'de>),*> ReadFields<'de, ($($type,)*)> for ($(PhantomData<$type>,)*) {
            type Slots = ($(Option<$type>,)*);

            fn read<R: NextValue<'de>>(self, slots: &mut Self::Slots, index: usize, from: &mut R) -> Result<bool, R::Error> {
                match index {
                    $($index => fill(self.$index, &mut slots.$index, from),)*
                    _ => Ok(false),
                }
            }

            fn finish<E: Error>(
                self,
                slots: Self::Slots,
                keys: &'static [&'static str],
            ) -> Result<($($type,)*), E> {
                Ok(($(take(self.$index, slots.$index, keys[$index])?,)*))
            }
        }
    };
}

fields!(0 T0);
fields!(0 T0 1 T1);
fields!(0 T0 1 T1 2 T2);
fields!(0 T0 1 T1 2 T2 3 T3);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5 6 T6);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5 6 T6 7 T7);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5 6 T6 7 T7 8 T8);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5 6 T6 7 T7 8 T8 9 T9);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5 6 T6 7 T7 8 T8 9 T9 10 T10);
fields!(0 T0 1 T1 2 T2 3 T3 4 T4 5 T5 6 T6 7 T7 8 T8 9 T9 10 T10 11 T11);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Mail {
        to: String,
        copies: u8,
        subject: Option<String>,
    }

    const KEYS: &[&str] = &["to", "copies", "subject"];

    impl Serialize for Mail {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            write_fields(serializer, KEYS, (&self.to, &self.copies, &self.subject))
        }
    }

    impl<'de> Deserialize<'de> for Mail {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let types = (PhantomData::<String>, PhantomData::<u8>, PhantomData::<Option<String>>);
            let (to, copies, subject) = read_fields(deserializer, KEYS, types)?;
            Ok(Self { to, copies, subject })
        }
    }

    fn mail(subject: Option<&str>) -> Mail {
        Mail { to: "ann".to_owned(), copies: 2, subject: subject.map(str::to_owned) }
    }

    fn wrong(json: &str) -> String {
        serde_json::from_str::<Mail>(json).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let json = serde_json::to_string(&mail(Some("hi"))).unwrap();
        assert_eq!(json, r#"{"to":"ann","copies":2,"subject":"hi"}"#);
        assert_eq!(serde_json::from_str::<Mail>(&json).unwrap(), mail(Some("hi")));
    }

    #[test]
    fn an_array_in_order_is_read_too() {
        assert_eq!(serde_json::from_str::<Mail>(r#"["ann",2,"hi"]"#).unwrap(), mail(Some("hi")));
        assert_eq!(serde_json::from_str::<Mail>(r#"["ann",2]"#).unwrap(), mail(None));
        assert!(wrong(r#"["ann",2,null,4]"#).contains("trailing"));
        assert!(wrong(r#"["ann"]"#).contains("missing field `copies`"));
    }

    #[test]
    fn any_order_unknown_keys_and_a_missing_option_are_read() {
        let json = r#"{"copies":2,"colour":[1],"to":"ann"}"#;
        assert_eq!(serde_json::from_str::<Mail>(json).unwrap(), mail(None));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert!(wrong(r#"{"to":"ann"}"#).contains("missing field `copies`"));
        assert!(wrong(r#"{"to":"ann","to":"bob"}"#).contains("given twice"));
        assert!(wrong(r#"{"to":1}"#).contains("expected a string"));
        assert!(wrong("7").contains(r#"an object with the keys ["to", "copies", "subject"]"#));
    }
}

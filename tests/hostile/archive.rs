//! Attacks in the zip archive of a PyTorch checkpoint.

use super::build::{HONEST, Member, Pickle, floats, members, one_tensor, zip, zip_with};
use super::values::values_of;
use super::{read, refuse, refuse_all_prefixes, survive_changes};

fn honest() -> [Member; 3] {
    members(Pickle::new().state_dict(&[("w", HONEST)]), &floats(6))
}

fn change(index: usize, change: impl FnOnce(&mut Member)) -> Vec<u8> {
    let mut members = honest();
    change(&mut members[index]);
    zip(&members)
}

#[test]
fn honest_files_are_read_narrow_and_wide() {
    for wide in [false, true] {
        let checkpoint = read(&zip_with(&honest(), wide, |_| {})).unwrap();
        assert_eq!(values_of(&checkpoint, "w").unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
    let wide_entry = change(2, |member| {
        member.sizes = [u32::MAX; 2];
        member.extra = [&[1, 0, 16, 0][..], &24_u64.to_le_bytes(), &24_u64.to_le_bytes()].concat();
    });
    assert!(read(&wide_entry).is_ok());
}

#[test]
fn cut_files_are_refused() {
    refuse_all_prefixes(&zip(&honest()));
    refuse_all_prefixes(&zip_with(&honest(), true, |_| {}));
}

#[test]
fn changed_bytes_do_no_harm() {
    survive_changes(&one_tensor(HONEST));
    survive_changes(&zip_with(&honest(), true, |_| {}));
}

#[test]
fn compressed_members_are_refused_and_not_unpacked() {
    refuse(&change(2, |member| member.method = 8), "member `archive/data/0` is compressed");
    let bomb = change(2, |member| {
        member.method = 8;
        member.sizes = [24, 0xffff_fff0];
    });
    refuse(&bomb, "is compressed");
}

#[test]
fn encrypted_members_are_refused() {
    refuse(&change(0, |member| member.flags = 1), "is encrypted");
}

#[test]
fn sizes_and_places_beyond_the_file_are_refused() {
    refuse(&change(2, |member| member.sizes = [4000; 2]), "member `archive/data/0` lies outside of the file");
    refuse(&change(2, |member| member.sizes = [24, 25]), "of two sizes");
    refuse(&change(2, |member| member.shift = 1), "is not where the central directory says");
    refuse(&change(2, |member| member.shift = 1 << 30), "lies outside of the file");
}

#[test]
fn zip64_fields_that_lie_are_refused() {
    let lie = |size: u64| {
        change(2, |member| {
            member.sizes = [u32::MAX; 2];
            member.extra = [&[1, 0, 16, 0][..], &size.to_le_bytes(), &size.to_le_bytes()].concat();
        })
    };
    refuse(&lie(u64::MAX), "lies outside of the file");
    refuse(&lie(1 << 40), "lies outside of the file");
    let short = change(2, |member| {
        member.sizes = [u32::MAX; 2];
        member.extra = vec![1, 0, 4, 0, 9, 9, 9, 9];
    });
    refuse(&short, "ends inside a zip64 field");
    refuse(&change(2, |member| member.sizes = [u32::MAX; 2]), "lies outside of the file");
}

#[test]
fn a_central_directory_out_of_range_is_refused() {
    for wide in [false, true] {
        let outside = "the central directory lies outside of the file";
        refuse(&zip_with(&honest(), wide, |directory| directory.start += 1), outside);
        refuse(&zip_with(&honest(), wide, |directory| directory.size = 0xffff_fff0), outside);
        refuse(
            &zip_with(&honest(), wide, |directory| directory.start = 0),
            "the central directory is damaged",
        );
        refuse(&zip_with(&honest(), wide, |directory| directory.count -= 1), "contradict each other");
        refuse(
            &zip_with(&honest(), wide, |directory| directory.count += 1),
            "ends inside the central directory",
        );
    }
    refuse(&zip_with(&honest(), true, |directory| directory.size = u64::MAX), "lies outside of the file");
    refuse(&zip_with(&honest(), true, |directory| directory.count = u64::MAX), "members");
    let mut lost = zip_with(&honest(), true, |_| {});
    let locator = lost.len() - 22 - 12;
    lost[locator..locator + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    refuse(&lost, "ends inside the zip64 end record");
}

#[test]
fn members_that_share_their_bytes_are_refused() {
    let inner = zip(&[Member::new("archive/data/1", &floats(1))]);
    let outer = Member::new("archive/data/0", &inner[..30 + 14 + 4]);
    // In the directory, the inner archive's member stands beside the outer one.
    let shift = 0_u32.wrapping_sub(outer.data.len() as u32);
    let nested = Member { shift, sizes: [4, 4], ..Member::new("archive/data/1", b"") };
    let [pickle, order, _] = honest();
    refuse(&zip(&[pickle, order, outer, nested]), "members overlap");
}

#[test]
fn members_with_tricky_names_are_refused() {
    for name in ["../data.pkl", "/archive/data.pkl", "archive\\data.pkl", "archive/../data.pkl", "a\0b"] {
        refuse(&change(0, |member| member.name = name.into()), "is not a plain path");
    }
    refuse(&change(0, |member| member.name = vec![0xff; 9]), "is not UTF-8");
    refuse(&change(0, |member| member.name = vec![b'a'; 600]), "is too long");
    refuse(&change(2, |member| member.local_name = Some(b"archive/data/9".to_vec())), "contradicts");
}

#[test]
fn what_is_missing_or_twice_there_is_named() {
    let [pickle, order, storage] = honest();
    refuse(&zip(&[]), "has no member `data.pkl`");
    refuse(&zip(&[order.clone(), storage.clone()]), "has no member `data.pkl`");
    refuse(&zip(&[pickle.clone(), order.clone()]), "has no member `archive/data/0`");
    refuse(&zip(&[pickle.clone(), pickle.clone(), storage.clone()]), "occurs twice");
    let other = Member { name: b"b/data.pkl".to_vec(), ..pickle.clone() };
    refuse(&zip(&[pickle.clone(), other, storage.clone()]), "more than one member `data.pkl`");
    refuse(&zip(&[Member::new("arr_0.npy", b"\x93NUMPY")]), "numpy .npz");
    let program = Member::new("archive/constants.pkl", b"");
    refuse(&zip(&[pickle, order, storage, program]), "TorchScript");
}

#[test]
fn storages_of_another_size_or_byte_order_are_refused() {
    refuse(&one_tensor(super::build::Tensor { len: 7, ..HONEST }), "storage `0` of 7 elements");
    refuse(&one_tensor(super::build::Tensor { len: i64::MAX, ..HONEST }), "storage `0`");
    refuse(&change(1, |member| member.data = b"bigger".to_vec()), "big-endian");
}

#[test]
fn what_follows_the_pickle_in_its_member_is_refused() {
    let pickle = Pickle::new().state_dict(&[("w", HONEST)]).raw(b".cos\nsystem\n");
    refuse(&zip(&members(pickle, &floats(6))), "ends before its member does");
}

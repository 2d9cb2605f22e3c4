select slot.slot_no, slot.slot_label, slot.starts_minute, slot.is_peak, slot.is_night
from {{ std_in_force('time_slot', ['slot_no']) }} as slot

-- Part: replies what the script without leases replies.
-- Needs answer
return answer
